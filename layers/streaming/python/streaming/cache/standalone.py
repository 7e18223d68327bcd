"""Redis as one server, or as one address that resolves to the current primary."""

from collections.abc import Sequence
from typing import Any

from redis import ConnectionPool, Redis
from redis.exceptions import ResponseError

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

    def execute_all(self, commands: Sequence[tuple[str, tuple[str | int, ...]]]) -> list[Any]:
        """Return the answers to commands on their keys, in one round trip.

        An error of a command is its answer. Raises ``RedisError`` if the server does not answer.
        """
        if len(commands) == 1:
            ((key, command),) = commands
            try:
                return [self.execute(key, *command)]
            except ResponseError as error:
                return [error]
        pipeline = self._redis.pipeline(transaction=False)
        for _, command in commands:
            pipeline.execute_command(*command)
        answers: list[Any] = pipeline.execute(raise_on_error=False)
        self._is_connected = True
        return answers

    def disconnect(self) -> None:
        """Close the idle connections."""
        self._is_connected = False
        # redis-py keeps a connection whose server answers with an error. After a fail-over that may
        # be a replica (READONLY, MASTERDOWN), while the address resolves to the new primary.
        self._redis.connection_pool.disconnect(inuse_connections=False)
