"""Notices that source files changed, cheaply enough to look before every event."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

_RACY_SECONDS = 2.0


class Fingerprint:
    """Size and time of modification of every source file below some folders."""

    def __init__(self, directories: Iterable[Path]) -> None:
        self._files: dict[str, tuple[int, int]] = {}
        for directory in directories:
            self._scan(str(directory))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and self._files == other._files

    __hash__ = None  # type: ignore[assignment]

    def just_edited(self) -> bool:
        """Tell whether a file is so new that another edit could bear the same time in seconds."""
        newest = max((modified for modified, _ in self._files.values()), default=0)
        return time.time() - newest / 1e9 < _RACY_SECONDS

    def _scan(self, directory: str) -> None:
        try:
            entries = list(os.scandir(directory))
        except OSError:
            return  # removed while we look: its files are gone from the fingerprint as well
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
