"""A connection to one Redis server: sends commands and reads answers in RESP 2.

hiredis encodes and parses the protocol. redis-py, which has a client for it as well, takes a sixth
of the time of a cold start (docs/decisions/0026-cold-starts.md); only cluster mode uses it.
"""

import socket
import ssl
from typing import Any

import hiredis

from streaming.cache.errors import CacheError, LoginRefused, ScriptUnknown
from streaming.config.cache import CacheSettings
from streaming.resilience.deadline import allowance
from streaming.resilience.sockets import bounded

# Includes creating a TLS context.
CONNECT_SECONDS = 0.5

_CHUNK_BYTES = 64 * 1024
_INCOMPLETE = object()
_KINDS = {"NOSCRIPT": ScriptUnknown, "WRONGPASS": LoginRefused, "NOAUTH": LoginRefused}


class Connection:
    """An open connection. After any exception but ``CacheError`` it must not be used again."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._reader = hiredis.Reader(
            replyError=_error, encoding="utf-8", errors="replace", notEnoughData=_INCOMPLETE
        )

    def execute(self, *command: str | int) -> Any:
        """Return the answer to a command. Raises ``CacheError`` and ``OSError``."""
        # The stub of pack_command describes a tuple of one element.
        self._socket.sendall(hiredis.pack_command(command))  # type: ignore[arg-type]
        answer = self._read()
        if isinstance(answer, CacheError):
            raise answer
        return answer

    def close(self) -> None:
        """Close the connection. Never raises."""
        self._socket.close()

    def _read(self) -> Any:
        try:
            while (answer := self._reader.gets()) is _INCOMPLETE:
                received = self._socket.recv(_CHUNK_BYTES)
                if not received:
                    raise ConnectionResetError("Redis closed the connection")
                self._reader.feed(received)
        except hiredis.ProtocolError as error:
            raise ConnectionAbortedError("the server does not speak RESP") from error
        return answer


def connect(settings: CacheSettings, context: ssl.SSLContext | None) -> Connection:
    """Connect and log in with the settings; ``context`` verifies the server in TLS.

    The waits of the connection are limited by the deadline. Raises ``LoginRefused`` and
    ``OSError``.
    """
    address = settings.host, settings.port
    wire = socket.create_connection(address, allowance(CONNECT_SECONDS))
    try:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            wire.settimeout(allowance(CONNECT_SECONDS))
            wire = context.wrap_socket(wire, server_hostname=settings.host)
        wire.settimeout(CONNECT_SECONDS)
        connection = Connection(bounded(wire))
        if settings.password is not None:
            _log_in(connection, settings.username, settings.password)
    except BaseException:
        wire.close()
        raise
    return connection


def _log_in(connection: Connection, username: str | None, password: str) -> None:
    try:
        connection.execute("AUTH", *((username, password) if username else (password,)))
    except CacheError as error:
        raise LoginRefused(*error.args) from None


def _error(text: str) -> CacheError:
    return _KINDS.get(text.partition(" ")[0], CacheError)(text)
