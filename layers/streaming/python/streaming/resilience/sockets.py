"""Sockets whose waits are limited by the deadline.

A client's time-out limits single reads, so an answer that arrives byte by byte never ends. The
deadline limits all reads together, whichever library makes them.
"""

import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from streaming.resilience.deadline import allowance

Result = TypeVar("Result")

_NEVER = float("inf")

if TYPE_CHECKING:
    _Socket = socket.socket
else:
    _Socket = object


class _Bounded(_Socket):
    """A socket that waits for its time-out or the deadline's remaining time, whichever is less.

    Raises ``TimeoutError``, as ``DeadlineExceeded`` if no time was left before the operation.
    """

    __slots__ = ()

    def recv(self, *arguments: Any) -> bytes:
        return _limited(self, super().recv, arguments)

    def recv_into(self, *arguments: Any) -> int:
        return _limited(self, super().recv_into, arguments)

    def send(self, *arguments: Any) -> int:
        return _limited(self, super().send, arguments)

    def sendall(self, *arguments: Any) -> None:
        _limited(self, super().sendall, arguments)


class _BoundedPlain(_Bounded, socket.socket):
    __slots__ = ()


class BoundedTls(_Bounded, ssl.SSLSocket):
    """The same for TLS. A context's ``sslsocket_class`` can be set to it."""

    __slots__ = ()


def bounded(connection: socket.socket) -> socket.socket:
    """Limit the waits of ``connection`` by the deadline from now on, and return it."""
    # Changing the class keeps the object, to which the client may already have references.
    connection.__class__ = BoundedTls if isinstance(connection, ssl.SSLSocket) else _BoundedPlain
    return connection


def _limited(
    connection: socket.socket, operation: Callable[..., Result], arguments: tuple[Any, ...]
) -> Result:
    """Return what ``operation`` of ``connection`` returns within the deadline."""
    most = connection.gettimeout()
    left = allowance(_NEVER if most is None else most)
    if left in (most, _NEVER):
        return operation(*arguments)
    connection.settimeout(left)
    try:
        return operation(*arguments)
    finally:
        connection.settimeout(most)
