"""Redis as one server, or as one address that resolves to the current primary."""

import ssl
from functools import cached_property
from typing import Any

from streaming.cache.connection import Connection, connect
from streaming.cache.errors import CacheError
from streaming.config.cache import CacheSettings
from streaming.config.rotating_secrets import Rotating


class StandaloneRedis:
    """Executes commands on the server that the settings name, each thread on its own connection.

    ``source`` provides the current password for each new connection; without it the settings do.
    """

    def __init__(
        self, settings: CacheSettings, source: Rotating[CacheSettings] | None = None
    ) -> None:
        self._settings = settings
        self._source = source
        self._idle: list[Connection] = []

    def is_connected(self, key: str) -> bool:
        """Return whether the server is connected: whether it answered the last operation."""
        return bool(self._idle)

    def execute(self, key: str, *command: str | int) -> Any:
        """Return the answer to a ``command`` on ``key``, its only key.

        Raises ``CacheError`` and ``OSError``; ``SecretUnavailable`` without a password.
        """
        connection = self._connection()
        try:
            answer = connection.execute(*command)
        except CacheError:
            self._idle.append(connection)
            raise
        except BaseException:
            # The answer may arrive later, and must not be read as that of another command.
            connection.close()
            raise
        self._idle.append(connection)
        return answer

    def disconnect(self) -> None:
        """Close the idle connections."""
        # After a fail-over the server may be a replica, which answers with errors (READONLY,
        # MASTERDOWN), while the address resolves to the new primary.
        while self._idle:
            self._idle.pop().close()

    def _connection(self) -> Connection:
        try:
            return self._idle.pop()
        except IndexError:
            settings = self._source.current() if self._source else self._settings
            return connect(settings, self._context if settings.is_tls else None)

    @cached_property
    def _context(self) -> ssl.SSLContext:
        # Loading the CA certificates takes longer than connecting.
        return ssl.create_default_context()
