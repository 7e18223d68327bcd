"""The deadline of a request, which limits every client call that it makes.

A handler sets a deadline; adapters ask it how long they may wait. Without a deadline (a background
function, a script) each call may wait for as long as it asked.
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
    """``waited_enough_at`` is in seconds of ``_waited``, ``ends_at`` in monotonic seconds."""

    waited_enough_at: float
    ends_at: float

    def put_off(self, seconds: float) -> "_Deadline":
        return _Deadline(self.waited_enough_at + seconds, self.ends_at + seconds)


_open: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float, computing_seconds: float = 0.0) -> Iterator[None]:
    """Limit the enclosed work to ``seconds``; an outer deadline that ends earlier still applies.

    CPU time up to ``computing_seconds`` does not count; waiting does.
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
    """Reserve the last ``seconds`` of the deadline for the work after the enclosed work."""
    outer = _open.get()
    token = _open.set(outer and outer.put_off(-seconds))
    try:
        yield
    finally:
        _open.reset(token)


@contextmanager
def apart(seconds: float) -> Iterator[None]:
    """Limit the enclosed work to ``seconds``, and extend the outer deadline by the time it takes.

    The outer deadline does not apply to the enclosed work.
    """
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
    """Return how many seconds a call may wait: ``at_most``, or the time left if that is less.

    Raises ``DeadlineExceeded`` if no time is left.
    """
    deadline = _open.get()
    if deadline is None:
        return at_most
    left = min(deadline.waited_enough_at - _waited(), deadline.ends_at - time.monotonic())
    if left <= 0:
        raise DeadlineExceeded("the request has no time left")
    return min(at_most, left)


def inherited(work: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Return ``work`` bound to the present deadline, for a thread, which would not inherit it."""
    context = copy_context()

    def run(*arguments: Parameters.args, **keywords: Parameters.kwargs) -> Result:
        return context.copy().run(work, *arguments, **keywords)

    return run


def _waited() -> float:
    return time.monotonic() - time.process_time()
