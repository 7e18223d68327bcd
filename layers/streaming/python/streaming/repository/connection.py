"""Opening and closing a connection to PostgreSQL, each in bounded time."""

import socket
import struct
from urllib.parse import unquote, urlsplit

import pg8000.native

from streaming.config.variables import ConfigurationError
from streaming.repository.tls import ssl_context
from streaming.resilience.deadline import allowance, within
from streaming.resilience.sockets import bounded

_CONNECT_SECONDS = 1.0
_CLOSE_SECONDS = 0.1


def connect(url: str) -> pg8000.native.Connection:
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
            return pg8000.native.Connection(
                user=unquote(parts.username or ""),
                password=unquote(parts.password or ""),
                host=host,
                database=unquote(parts.path.lstrip("/")),
                ssl_context=ssl_context(parts.query),
                sock=wire,
                application_name="streaming",
            )
        except BaseException:
            wire.close()
            raise


def sql_state(error: pg8000.native.DatabaseError) -> str:
    """Return the SQLSTATE that the server has sent, or nothing."""
    return _field(error, "C")


def severity(error: pg8000.native.DatabaseError) -> str:
    """Return how severe the server says it is, such as ``ERROR`` or ``FATAL``, or nothing."""
    return _field(error, "V")


def message(error: pg8000.native.DatabaseError) -> str:
    """Return what the server says in a sentence, without the details, which quote rows."""
    return _field(error, "M")


def close_quietly(connection: pg8000.native.Connection) -> None:
    """Close a connection that may be dead."""
    try:
        with within(_CLOSE_SECONDS):
            connection.close()
    except (pg8000.native.InterfaceError, OSError, struct.error):
        # The wire is dead already, which is why it is being closed.
        return


def _field(error: pg8000.native.DatabaseError, name: str) -> str:
    # https://www.postgresql.org/docs/current/protocol-error-fields.html
    details = error.args[0] if error.args else {}
    return str(details.get(name, "")) if isinstance(details, dict) else ""
