"""Connections to Redis: how they are opened, log in, and how long they wait.

A server alone and the nodes of a cluster are connected to in the same way, so an outage takes the
same time with both.
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

# An operation that has to connect may have to make a TLS context, too.
CONNECT_SECONDS = 0.5

if TYPE_CHECKING:
    _Connection = Connection
else:
    _Connection = object


class _Bounded(_Connection):
    """A connection whose waits, from the first packet on, draw from the deadline."""

    def _connect(self) -> socket.socket:
        # The handshake of TLS waits with the time-out of reading.
        self.socket_connect_timeout = self.socket_timeout = allowance(CONNECT_SECONDS)
        connect: Callable[[], socket.socket] = super()._connect
        try:
            connection = connect()
        finally:
            self.socket_timeout = CONNECT_SECONDS
        connection.settimeout(CONNECT_SECONDS)
        return bounded(connection)


class _Plain(_Bounded, Connection):
    """A connection of TCP."""


class _Tls(_Bounded, SSLConnection):
    """A connection of TLS."""


class _Credentials(CredentialProvider):
    """What each new connection logs in with."""

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
    """Return what a connection pool is made with, but for the address.

    ``source`` gives the password of the time when a connection is opened; without it the settings
    do.
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
    """Return how often redis-py itself repeats what has failed: never."""
    return Retry(NoBackoff(), 0)


def _login(settings: CacheSettings, source: Rotating[CacheSettings] | None) -> dict[str, Any]:
    if source:
        return {"credential_provider": _Credentials(source)}
    return {"username": settings.username, "password": settings.password}
