"""The gateway's log: lines on stderr, where the functions' own output goes too."""

from __future__ import annotations

import sys


def log(line: str) -> None:
    """Write one line at once."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
