"""Opens and closes connections to PostgreSQL, each in bounded time."""

import socket
import struct
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import pg8000.native
from pg8000.converters import TIMESTAMPTZ, timestamptz_in

from streaming.config.database import DatabaseSettings
from streaming.config.rotating_secrets import Rotating, SecretUnavailable
from streaming.config.variables import ConfigurationError
from streaming.domain.errors import DatabaseUnavailable
from streaming.repository.pipeline_connection import PipelineConnection
from streaming.repository.server_errors import means_refused_login
from streaming.repository.tls import ssl_context
from streaming.resilience.deadline import allowance, within
from streaming.resilience.sockets import bounded

WIRE_ERRORS = (pg8000.native.InterfaceError, OSError, struct.error, UnicodeError)
"""What pg8000 raises when the connection is broken or the protocol is out of step."""

_CONNECT_SECONDS = 1.0
_CLOSE_SECONDS = 0.1


class Connector:
    """Opens connections with the current password; ``settings`` may rotate."""

    def __init__(self, settings: DatabaseSettings | Rotating[DatabaseSettings]) -> None:
        self._settings = settings

    def connect(self) -> PipelineConnection:
        """Open a connection; when the login is refused, retry once with a newer password.

        Raises ``DatabaseUnavailable`` when the password cannot be read, and what ``connect`` does.
        """
        if isinstance(self._settings, DatabaseSettings):
            return connect(self._settings.url)
        try:
            return connect(self._settings.current().url)
        except SecretUnavailable as error:
            raise DatabaseUnavailable("the database's password cannot be read") from error
        except pg8000.native.DatabaseError as error:
            if not means_refused_login(error):
                raise
            fresh = self._settings.renewed()
            if fresh is None:
                raise
            return connect(fresh.url)


def connect(url: str) -> PipelineConnection:
    """Connect to the database of ``url``, ``postgresql://user:password@host:port/name``.

    Raises ``ConfigurationError`` for another URL, and what pg8000 and sockets raise.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname:
        raise ConfigurationError("DATABASE_URL is not postgresql://user:password@host:port/name")
    host, port = parts.hostname, parts.port or 5432
    with within(_CONNECT_SECONDS):
        wire = bounded(socket.create_connection((host, port), allowance(_CONNECT_SECONDS)))
        try:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection = PipelineConnection(
                user=unquote(parts.username or ""),
                password=unquote(parts.password or ""),
                host=host,
                database=unquote(parts.path.lstrip("/")),
                ssl_context=ssl_context(parts.query),
                sock=wire,
                application_name="streaming",
            )
            connection.register_in_adapter(TIMESTAMPTZ, to_time)
            # Otherwise no answer could take longer than connecting may. The deadline limits it.
            connection.wait_without_limit()
            return connection
        except BaseException:
            wire.close()
            raise


def to_time(text: str) -> Any:
    """Return the value of a ``timestamptz``; pg8000's own conversion takes 70 times as long."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # Infinity, or a year that Python does not have.
        return timestamptz_in(text)


def close_quietly(connection: pg8000.native.Connection) -> None:
    """Close a connection that may be broken. Never raises."""
    try:
        with within(_CLOSE_SECONDS):
            connection.close()
    except WIRE_ERRORS:
        # A broken connection cannot be closed in order, and need not be.
        return
