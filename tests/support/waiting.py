"""Waiting for a condition instead of a time."""

import time
from collections.abc import Callable


def eventually(holds: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something holds; fail after a time that no sound machine needs."""
    ends_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends_at, "still not so"
        time.sleep(0.05)
