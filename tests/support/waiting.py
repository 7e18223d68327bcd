"""Waits for a condition instead of a fixed time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

# Far above every time limit of the product, so that a busy machine does not reach it; below the
# 30 s of the clients' own time-outs, which apply to waits that our code does not limit.
HUNG_SECONDS = 25.0

Value = TypeVar("Value")


def eventually(holds: Callable[[], Value | None], seconds: float = 60) -> Value:
    """Return the condition's first true value; fail after a time far above every expected one."""
    ends_at = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < ends_at, "still not so"
        time.sleep(0.02)
    return value


def in_time(
    call: Callable[[], Value], is_late: Callable[[Value], bool], seconds: float = 60
) -> Value:
    """Return the result of a call, repeated while a busy machine has made it too late.

    A permanent failure is returned after ``seconds``, far longer than the product's pause after a
    failure.
    """
    ends_at = time.monotonic() + seconds
    while is_late(result := call()) and time.monotonic() < ends_at:
        pass
    return result


@contextmanager
def bounded_wait() -> Iterator[None]:
    """Fail if the code in the context hangs; `make faults` measures how long it may take."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < HUNG_SECONDS, "no time limit has ended this wait"
