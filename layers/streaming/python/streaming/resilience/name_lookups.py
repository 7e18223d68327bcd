"""Look-ups of host names that end with the deadline of the request.

The resolver of the C library cannot be interrupted, and no client's time-out covers it: clients
call ``socket.getaddrinfo`` before they connect. Its own limits (``RES_OPTIONS``) apply to each name
server and search domain, so together they may exceed a request's budget.
"""

import socket
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any

from streaming.resilience.deadline import DeadlineExceeded, allowance

_NEVER = float("inf")

Resolve = Callable[..., Any]


class LookupTimedOut(socket.gaierror, TimeoutError):
    """The name was not resolved within the deadline. Clients treat it as a failed connection."""


def limit_name_lookups() -> None:
    """Limit every later look-up of this process by the deadline of the request that makes it.

    The function of the standard library is replaced, because redis-py, pg8000, kafka-python,
    botocore and httpx have no argument for a resolver.
    """
    if not isinstance(socket.getaddrinfo, _Limited):
        socket.getaddrinfo = _Limited(socket.getaddrinfo)


class _Limited:
    """``getaddrinfo`` with a limit. A look-up that is still running is shared, not repeated."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._lock = Lock()
        self._running: dict[object, _Lookup] = {}

    def __call__(self, host: Any, port: Any, *arguments: Any, **keywords: Any) -> Any:
        """Return what ``getaddrinfo`` returns. Raises ``LookupTimedOut`` as well."""
        try:
            seconds = _NEVER if _is_address(host) else allowance(_NEVER)
        except DeadlineExceeded as error:
            raise _timed_out(host) from error
        if seconds == _NEVER:
            return self._resolve(host, port, *arguments, **keywords)
        key = (host, port, arguments, tuple(sorted(keywords.items())))
        with self._lock:
            lookup = self._running.get(key)
            if lookup is None:
                lookup = self._running[key] = _Lookup()
                work = (lookup, key, (host, port, *arguments), keywords)
                Thread(target=self._run, args=work, daemon=True).start()
        if not lookup.is_over.wait(seconds):
            raise _timed_out(host)
        return lookup.result()

    def _run(
        self, lookup: "_Lookup", key: object, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> None:
        try:
            lookup.found = self._resolve(*arguments, **keywords)
        except Exception as error:  # noqa: BLE001 - raised in the threads that wait
            lookup.failure = error
        with self._lock:
            del self._running[key]
        lookup.is_over.set()


class _Lookup:
    """A look-up that runs in a thread of its own."""

    def __init__(self) -> None:
        self.is_over = Event()
        self.found: Any = None
        self.failure: Exception | None = None

    def result(self) -> Any:
        """Return the addresses, or raise what the look-up has raised."""
        if self.failure is not None:
            raise self.failure
        return self.found


def _is_address(host: object) -> bool:
    """Return whether no name server is asked for the host."""
    if not isinstance(host, str) or not host:
        return True
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    return False


def _timed_out(host: object) -> LookupTimedOut:
    return LookupTimedOut(socket.EAI_AGAIN, f"{host!r} was not resolved within the deadline")
