"""The time that one request may take, from which every client call draws.

A handler opens a deadline; adapters ask it how long they may wait. Without an open deadline (a
background function, a script) each call gets the most that it asked for.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class DeadlineExceeded(TimeoutError):
    """The request has no time left for another call."""


@dataclass(frozen=True, slots=True)
class _Deadline:
    """``waited_enough_at`` is on the clock of waiting, ``ends_at`` on the monotonic one."""

    waited_enough_at: float
    ends_at: float

    def put_off(self, seconds: float) -> "_Deadline":
        return _Deadline(self.waited_enough_at + seconds, self.ends_at + seconds)


_open: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float, computing_seconds: float = 0.0) -> Iterator[None]:
    """Give the enclosed work ``seconds``; a deadline that ends sooner stays in force.

    With ``computing_seconds`` the processor's time is not taken off, up to so much: waiting is what
    the caller suffers in vain, while computing brings the answer nearer.
    """
    outer = _open.get() or _Deadline(float("inf"), float("inf"))
    token = _open.set(
        _Deadline(
            min(outer.waited_enough_at, _waited() + seconds),
            min(outer.ends_at, time.monotonic() + seconds + computing_seconds),
        )
    )
    try:
        yield
    finally:
        _open.reset(token)


@contextmanager
def leaving(seconds: float) -> Iterator[None]:
    """Keep the last ``seconds`` of the request from the enclosed work, for what has to follow."""
    outer = _open.get()
    token = _open.set(outer and outer.put_off(-seconds))
    try:
        yield
    finally:
        _open.reset(token)


@contextmanager
def apart(seconds: float) -> Iterator[None]:
    """Give the enclosed work ``seconds`` of its own; the deadline is put off by what it takes."""
    outer = _open.get()
    began = time.monotonic()
    token = _open.set(_Deadline(float("inf"), began + seconds))
    try:
        yield
    finally:
        _open.reset(token)
        if outer:
            _open.set(outer.put_off(time.monotonic() - began))


def allowance(at_most: float) -> float:
    """Return how many seconds a call may wait: ``at_most``, or what is left when that is less.

    Raises ``DeadlineExceeded`` when nothing is left.
    """
    deadline = _open.get()
    if deadline is None:
        return at_most
    left = min(deadline.waited_enough_at - _waited(), deadline.ends_at - time.monotonic())
    if left <= 0:
        raise DeadlineExceeded("the request has no time left")
    return min(at_most, left)


def inherited(work: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Return ``work`` with the present deadline, for another thread, which has none of its own."""
    context = copy_context()

    def run(*arguments: Parameters.args, **keywords: Parameters.kwargs) -> Result:
        return context.copy().run(work, *arguments, **keywords)

    return run


def _waited() -> float:
    return time.monotonic() - time.process_time()
