"""How connections to Redis are opened: login, TLS and time-outs.

The same for a standalone server and the nodes of a cluster, so an outage takes the same time.
"""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from redis import Connection, SSLConnection
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.retry import Retry

from streaming.config.cache import CacheSettings
from streaming.config.rotating_secrets import Rotating
from streaming.resilience.deadline import allowance
from streaming.resilience.sockets import bounded

# Includes creating a TLS context.
CONNECT_SECONDS = 0.5

if TYPE_CHECKING:
    _Connection = Connection
else:
    _Connection = object


class _Bounded(_Connection):
    """A connection whose waits are bounded by the deadline."""

    def _connect(self) -> socket.socket:
        # The TLS handshake uses the time-out for reading.
        self.socket_connect_timeout = self.socket_timeout = allowance(CONNECT_SECONDS)
        connect: Callable[[], socket.socket] = super()._connect
        try:
            connection = connect()
        finally:
            self.socket_timeout = CONNECT_SECONDS
        connection.settimeout(CONNECT_SECONDS)
        return bounded(connection)


class _Plain(_Bounded, Connection):
    """A connection over TCP."""


class _Tls(_Bounded, SSLConnection):
    """A connection over TLS."""


class _Credentials(CredentialProvider):
    """The login of each new connection."""

    def __init__(self, source: Rotating[CacheSettings]) -> None:
        self._source = source

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Return the password, or user and password."""
        settings = self._source.current()
        password = settings.password or ""
        return (settings.username, password) if settings.username else (password,)


def connection_options(
    settings: CacheSettings, source: Rotating[CacheSettings] | None
) -> dict[str, Any]:
    """Return the options of a connection pool, without the address.

    ``source`` provides the current password for each new connection; without it the settings do.
    """
    return {
        "connection_class": _Tls if settings.is_tls else _Plain,
        **_login(settings, source),
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": CONNECT_SECONDS,
        "decode_responses": True,
        "protocol": 2,
        "driver_info": None,  # saves two round trips when connecting
    }


def no_retries() -> Retry:
    """Return the retry policy of redis-py: no retries."""
    return Retry(NoBackoff(), 0)


def _login(settings: CacheSettings, source: Rotating[CacheSettings] | None) -> dict[str, Any]:
    if source:
        return {"credential_provider": _Credentials(source)}
    return {"username": settings.username, "password": settings.password}
