"""Redis as one server, or as one address that resolves to the current primary."""

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
        """Return whether the server is connected: whether it answered the last operation."""
        return self._is_connected

    def execute(self, key: str, *command: str | int) -> Any:
        """Return the answer to a ``command`` on ``key``, its only key. Raises ``RedisError``."""
        answer = self._redis.execute_command(*command)
        self._is_connected = True
        return answer

    def disconnect(self) -> None:
        """Close the idle connections."""
        self._is_connected = False
        # redis-py keeps a connection whose server answers with an error. After a fail-over that may
        # be a replica (READONLY, MASTERDOWN), while the address resolves to the new primary.
        self._redis.connection_pool.disconnect(inuse_connections=False)
