"""A Redis that is one server, or that looks like one to its clients."""

from typing import Any

from redis import ConnectionPool, Redis

from streaming.cache.connection_options import connection_options, no_retries
from streaming.config.cache import CacheSettings
from streaming.config.rotating_secrets import Rotating


class StandaloneRedis:
    """Executes commands on the server that the settings name."""

    def __init__(
        self, settings: CacheSettings, source: Rotating[CacheSettings] | None = None
    ) -> None:
        pool = ConnectionPool(
            host=settings.host,
            port=settings.port,
            retry=no_retries(),
            **connection_options(settings, source),
        )
        self._redis = Redis(connection_pool=pool)
        self._is_connected = False

    def is_connected(self, key: str) -> bool:
        """Tell whether the last operation was answered, so that the next need not connect."""
        return self._is_connected

    def execute(self, key: str, *command: str | int) -> Any:
        """Return the answer to a ``command`` on ``key``, which has no other key."""
        answer = self._redis.execute_command(*command)
        self._is_connected = True
        return answer

    def disconnect(self) -> None:
        """Close the connections that nobody uses just now."""
        self._is_connected = False
        # redis-py keeps a connection whose server answers with an error: one that has become a
        # replica (READONLY, MASTERDOWN) or loads its data, while the address leads elsewhere.
        self._redis.connection_pool.disconnect(inuse_connections=False)
