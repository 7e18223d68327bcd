"""Detects changes of source files, fast enough to check before every event."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


class Fingerprint:
    """Size and modification time of every source file below some folders."""

    def __init__(self, directories: Iterable[Path]) -> None:
        self._files: dict[str, tuple[int, int]] = {}
        for directory in directories:
            self._scan(str(directory))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and self._files == other._files

    __hash__ = None  # type: ignore[assignment]

    def _scan(self, directory: str) -> None:
        try:
            entries = list(os.scandir(directory))
        except OSError:
            return  # removed during the scan, so its files are not in the fingerprint
        for entry in entries:
            if entry.name.startswith((".", "__pycache__")) or entry.name.endswith(("~", ".pyc")):
                continue
            try:
                if entry.is_dir():
                    self._scan(entry.path)
                else:
                    status = entry.stat()
                    self._files[entry.path] = (status.st_mtime_ns, status.st_size)
            except OSError:
                continue
