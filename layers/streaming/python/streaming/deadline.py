"""The time that one request may take, from which every client call draws.

A handler opens a deadline; adapters ask it how long they may wait. Without an open deadline (a
background function, a script) each call gets the most that it asked for.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_at: ContextVar[float | None] = ContextVar("deadline", default=None)


class DeadlineExceeded(TimeoutError):
    """The request has no time left for another call."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give the enclosed work ``seconds``; a deadline that ends sooner stays in force."""
    outer = _ends_at.get()
    ends_at = time.monotonic() + seconds
    token = _ends_at.set(ends_at if outer is None else min(outer, ends_at))
    try:
        yield
    finally:
        _ends_at.reset(token)


def allowance(at_most: float) -> float:
    """Return how many seconds a call may wait: ``at_most``, or what is left when that is less.

    Raises ``DeadlineExceeded`` when nothing is left.
    """
    ends_at = _ends_at.get()
    if ends_at is None:
        return at_most
    left = ends_at - time.monotonic()
    if left <= 0:
        raise DeadlineExceeded("the request has no time left")
    return min(at_most, left)
