"""Waiting for a condition instead of a time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

# Far above every bound of the product, so that a busy machine does not reach it; below the 30 s
# of the clients' own time-outs, which a wait without a bound of ours meets.
HUNG_SECONDS = 25.0

Value = TypeVar("Value")


def eventually(holds: Callable[[], Value | None], seconds: float = 60) -> Value:
    """Return what holds once it does; fail after a time that no sound machine needs."""
    ends_at = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < ends_at, "still not so"
        time.sleep(0.02)
    return value


@contextmanager
def bounded_wait() -> Iterator[None]:
    """Fail when what is done here has hung; `make faults` measures how long it may take."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < HUNG_SECONDS, "nothing has bounded this wait"
