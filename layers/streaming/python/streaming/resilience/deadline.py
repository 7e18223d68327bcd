"""The deadline of a request, which limits every client call that it makes.

A handler sets a deadline; adapters ask it how long they may wait. Without a deadline (a background
function, a script) each call may wait for as long as it asked.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar, copy_context
from typing import NamedTuple, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class DeadlineExceeded(TimeoutError):
    """The request has no time left for another call."""


class _Deadline(NamedTuple):
    """``waited_enough_at`` is in seconds of ``_waited``, ``ends_at`` in monotonic seconds."""

    waited_enough_at: float
    ends_at: float

    def put_off(self, seconds: float) -> "_Deadline":
        return _Deadline(self.waited_enough_at + seconds, self.ends_at + seconds)


_NEVER = float("inf")
_NONE = _Deadline(_NEVER, _NEVER)

_open: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)


class _Pace:
    factor = 1.0


def stretch(factor: float) -> None:
    """Multiply all time limits that begin in this process from now on; 1 restores them.

    For functions on a machine that runs other programs as well, such as a developer's.
    """
    _Pace.factor = factor


def stretched(seconds: float) -> float:
    """Return a time limit that a server enforces, multiplied like those of this process."""
    return seconds * _Pace.factor


def within(seconds: float, computing_seconds: float = 0.0) -> AbstractContextManager[None]:
    """Limit the enclosed work to ``seconds``; an outer deadline that ends earlier still applies.

    CPU time up to ``computing_seconds`` does not count; waiting does.
    """
    return _Within(seconds, computing_seconds)


class _Within:
    # A class, because a generator takes twice as long, and each call of a client is limited.
    __slots__ = ("_computing_seconds", "_seconds", "_token")

    def __init__(self, seconds: float, computing_seconds: float) -> None:
        self._seconds = seconds * _Pace.factor
        self._computing_seconds = computing_seconds * _Pace.factor

    def __enter__(self) -> None:
        waited_enough_at, ends_at = _open.get() or _NONE
        latest = time.monotonic() + self._seconds + self._computing_seconds
        if self._computing_seconds:
            # Otherwise waiting ends no later than the work, and CPU time need not be measured.
            waited_enough_at = min(waited_enough_at, _waited() + self._seconds)
        self._token = _open.set(_Deadline(waited_enough_at, min(ends_at, latest)))

    def __exit__(self, *_: object) -> None:
        _open.reset(self._token)


@contextmanager
def leaving(seconds: float) -> Iterator[None]:
    """Reserve the last ``seconds`` of the deadline for the work after the enclosed work."""
    outer = _open.get()
    token = _open.set(outer and outer.put_off(-seconds * _Pace.factor))
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
    token = _open.set(_Deadline(_NEVER, began + seconds * _Pace.factor))
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
    at_most *= _Pace.factor
    deadline = _open.get()
    if deadline is None:
        return at_most
    left = deadline.ends_at - time.monotonic()
    if deadline.waited_enough_at != _NEVER:
        left = min(left, deadline.waited_enough_at - _waited())
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
