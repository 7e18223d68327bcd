"""The gateway's log: lines on stderr, together with the functions' own output."""

from __future__ import annotations

import sys


def log(line: str) -> None:
    """Write one line and flush."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
