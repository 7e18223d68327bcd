"""Sockets whose every wait draws from the deadline.

A client's time-out bounds single reads, so an answer that drips byte by byte never ends. The
deadline bounds them together, whichever library reads.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from streaming.resilience.deadline import allowance

if TYPE_CHECKING:
    _Socket = socket.socket
else:
    _Socket = object


class _Bounded(_Socket):
    """Waits as long as its time-out and the deadline allow, whichever is less.

    Raises ``TimeoutError``, which says ``DeadlineExceeded`` when nothing was left to begin with.
    """

    __slots__ = ()

    def recv(self, *arguments: Any) -> bytes:
        with _shortened(self):
            return super().recv(*arguments)

    def recv_into(self, *arguments: Any) -> int:
        with _shortened(self):
            return super().recv_into(*arguments)

    def send(self, *arguments: Any) -> int:
        with _shortened(self):
            return super().send(*arguments)

    def sendall(self, *arguments: Any) -> None:
        with _shortened(self):
            super().sendall(*arguments)


class _BoundedPlain(_Bounded, socket.socket):
    __slots__ = ()


class BoundedTls(_Bounded, ssl.SSLSocket):
    """A socket of TLS like that: what a context's ``sslsocket_class`` may be."""

    __slots__ = ()


def bounded(connection: socket.socket) -> socket.socket:
    """Return ``connection``, whose waits draw from the deadline from now on."""
    # The way that leaves the socket to whoever already holds it.
    connection.__class__ = BoundedTls if isinstance(connection, ssl.SSLSocket) else _BoundedPlain
    return connection


@contextmanager
def _shortened(connection: socket.socket) -> Iterator[None]:
    most = connection.gettimeout()
    left = allowance(float("inf") if most is None else most)
    if left == most or left == float("inf"):
        yield
        return
    connection.settimeout(left)
    try:
        yield
    finally:
        connection.settimeout(most)
