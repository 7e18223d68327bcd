"""Redis, which may vanish at any time without any request failing.

Every operation answers as if the key were absent when Redis does not answer, and leaves Redis
alone for a moment then, so that an outage costs each request at most one time-out.
"""

import json
import socket
import time
from collections.abc import Callable
from typing import Any, TypeVar

from aws_lambda_powertools.logging import Logger
from redis import Connection, ConnectionPool, Redis, SSLConnection
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from streaming.bounded_socket import bounded
from streaming.breaker import Breaker
from streaming.deadline import DeadlineExceeded, allowance, within
from streaming.metrics import emit_dependency_failure
from streaming.secrets import Rotating, SecretUnavailable
from streaming.settings import CacheSettings

logger = Logger(child=True)

_OPERATION_SECONDS = 0.25
# The first operation connects, and may have to make a TLS context.
_FIRST_OPERATION_SECONDS = 0.5
# Late twice in this time, Redis is slow: it is not that a connection has died.
_SLOW_SECONDS = 10.0
# With less time than this, it is not Redis's fault to be late.
_FAIR_SECONDS = 0.1
_PAUSE_SECONDS = 2.0

# The greater version stays, whoever writes last.
_SET_IF_NEWER = """
local stored = redis.call('GET', KEYS[1])
if stored then
    local decoded, value = pcall(cjson.decode, stored)
    if decoded and type(value) == 'table' and type(value.version) == 'number'
        and value.version >= tonumber(ARGV[2]) then
        return 0
    end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
return 1
"""

Result = TypeVar("Result")


class _Credentials(CredentialProvider):
    """What each new connection logs in with."""

    def __init__(self, source: Rotating[CacheSettings]) -> None:
        self._source = source

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Return the password, or user and password."""
        settings = self._source.current()
        password = settings.password or ""
        return (settings.username, password) if settings.username else (password,)


class _Plain(Connection):
    """A connection whose waits draw from the deadline."""

    def _connect(self) -> socket.socket:
        connect: Callable[[], socket.socket] = super()._connect
        return bounded(connect())


class _Tls(SSLConnection):
    """The same over TLS."""

    def _connect(self) -> socket.socket:
        connect: Callable[[], socket.socket] = super()._connect
        return bounded(connect())


class Cache:
    """JSON objects by key, each with a life in seconds.

    ``source`` gives the password of the time when a connection is opened; without it the settings
    do.
    """

    def __init__(
        self, settings: CacheSettings, source: Rotating[CacheSettings] | None = None
    ) -> None:
        self._breaker = Breaker(_PAUSE_SECONDS)
        self._source = source
        self._is_connected = False
        self._late_at = 0.0
        pool = ConnectionPool(
            connection_class=_Tls if settings.is_tls else _Plain,
            host=settings.host,
            port=settings.port,
            **_login(settings, source),
            socket_connect_timeout=_FIRST_OPERATION_SECONDS,
            socket_timeout=_FIRST_OPERATION_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            protocol=2,
            driver_info=None,  # saves two round trips when connecting
        )
        self._redis = Redis(connection_pool=pool)
        self._scripts: dict[str, Script] = {}

    @property
    def is_down(self) -> bool:
        """Whether Redis did not answer a moment ago."""
        return self._breaker.is_open

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the object under ``key``; None when there is none, or none that can be read."""
        text = self._attempt("get", lambda: self._redis.get(key))
        try:
            value = json.loads(text) if isinstance(text, str) else None
        except (ValueError, RecursionError):
            logger.warning("a cached value is no JSON", key=key)
            return None
        return value if isinstance(value, dict) else None

    def set(self, key: str, value: dict[str, Any], ttl_seconds: int) -> bool:
        """Put ``value`` under ``key`` for ``ttl_seconds``; tell whether Redis did."""
        text = json.dumps(value, separators=(",", ":"))
        return bool(self._attempt("set", lambda: self._redis.set(key, text, ex=ttl_seconds)))

    def set_if_newer(self, key: str, value: dict[str, Any], ttl_seconds: int) -> bool:
        """Put ``value`` under ``key`` unless what is there has its ``version`` or a greater one.

        Returns whether Redis answered, and so has ``value`` or a newer one.
        """
        text = json.dumps(value, separators=(",", ":"))
        arguments = (text, value["version"], ttl_seconds)
        return self.run("set_if_newer", _SET_IF_NEWER, key, *arguments) is not None

    def delete(self, *keys: str) -> bool:
        """Remove ``keys``; tell whether Redis did."""
        return self._attempt("delete", lambda: self._redis.delete(*keys)) is not None

    def run(self, operation: str, script: str, key: str, *arguments: str | int) -> Any:
        """Run a Lua ``script`` on ``key``; None when Redis does not answer.

        It may run twice when an answer is lost, and is counted under ``operation`` when it fails.
        """
        registered = self._scripts.get(script)
        if registered is None:
            registered = self._scripts[script] = self._redis.register_script(script)
        return self._attempt(operation, lambda: registered(keys=[key], args=arguments))

    def _attempt(self, operation: str, call: Callable[[], Result]) -> Result | None:
        seconds = _seconds_left()
        if self._breaker.is_open or not seconds:
            return None
        try:
            result = self._call(call)
        except (RedisError, OSError, SecretUnavailable) as error:
            self._is_connected = False
            if isinstance(error, AuthenticationError) and self._source and self._source.renewed():
                return self._attempt(operation, call)
            if seconds > _FAIR_SECONDS:
                self._breaker.record_failure()
            logger.warning(
                "Redis does not answer", **emit_dependency_failure("redis", operation, error)
            )
            return None
        self._is_connected = True
        self._breaker.record_success()
        return result

    def _call(self, call: Callable[[], Result]) -> Result:
        if not self._is_connected:
            return self._once(call, _FIRST_OPERATION_SECONDS)
        try:
            return self._once(call, _OPERATION_SECONDS)
        except (RedisError, OSError) as error:
            if isinstance(error, RedisTimeoutError):
                if self._was_late_before:
                    raise
                self._late_at = time.time()
        # A frozen environment wakes with a dead connection. All operations here may be repeated.
        return self._once(call, _FIRST_OPERATION_SECONDS)

    def _once(self, call: Callable[[], Result], seconds: float) -> Result:
        try:
            with within(seconds):
                return call()
        except (RedisError, OSError):
            # redis-py keeps a connection whose server answers with an error: one that has become a
            # replica (READONLY, MASTERDOWN) or loads its data, while the address leads elsewhere.
            self._redis.connection_pool.disconnect(inuse_connections=False)
            raise

    @property
    def _was_late_before(self) -> bool:
        # The wall's clock, because another may stand still while an environment is frozen.
        return time.time() - self._late_at < _SLOW_SECONDS


def _seconds_left() -> float:
    try:
        return allowance(_FIRST_OPERATION_SECONDS)
    except DeadlineExceeded:
        return 0.0


def _login(settings: CacheSettings, source: Rotating[CacheSettings] | None) -> dict[str, Any]:
    if source:
        return {"credential_provider": _Credentials(source)}
    return {"username": settings.username, "password": settings.password}
