"""A client of Redis that never makes a request fail.

When Redis does not answer, an operation returns what it returns for an absent key, and a circuit
breaker opens, so that an outage costs each request at most one time-out. An operation has one key:
in a cluster two keys may be on two nodes. Operations on one server may share a round trip.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from aws_lambda_powertools.logging import Logger
from redis.exceptions import AuthenticationError, NoScriptError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from streaming.cache.connection_options import CONNECT_SECONDS
from streaming.cache.versioned import GET_WITH_SERVER, SET_IF_NEWER, server_of
from streaming.config.cache import CacheSettings
from streaming.config.rotating_secrets import Rotating, SecretUnavailable
from streaming.observability.metrics import emit_dependency_failure
from streaming.resilience.cache_trust import CacheServer
from streaming.resilience.circuit_breaker import CircuitBreaker
from streaming.resilience.deadline import DeadlineExceeded, allowance, within

logger = Logger(child=True)

_OPERATION_SECONDS = 0.25
# After a second time-out within this time Redis counts as slow, and the operation is not repeated.
_SLOW_SECONDS = 10.0
# Time-outs below this budget do not open the breaker.
_FAIR_SECONDS = 0.1
_PAUSE_SECONDS = 2.0


Words = tuple[str | int, ...]
"""A command and its arguments."""


@dataclass(frozen=True, slots=True)
class _Command:
    """A command on one key; ``script`` is what its EVALSHA refers to."""

    key: str
    words: Words
    script: str | None = None


class _Servers(Protocol):
    """One server, or the nodes of a cluster."""

    def is_connected(self, key: str) -> bool: ...
    def execute(self, key: str, *command: str | int) -> Any: ...
    def execute_all(self, commands: Sequence[tuple[str, Words]]) -> list[Any]: ...
    def disconnect(self) -> None: ...


class Cache:
    """JSON objects by key, each with a time to live in seconds.

    Raises nothing but ``ConfigurationError``, for a rotated secret that is not valid.

    ``source`` provides the current password for each new connection; without it the settings do.
    """

    def __init__(
        self, settings: CacheSettings, source: Rotating[CacheSettings] | None = None
    ) -> None:
        self._breaker = CircuitBreaker(_PAUSE_SECONDS)
        self._source = source
        self._late_at = 0.0
        self._along: list[_Command] = []
        self._ahead: dict[str, Any] = {}
        self._servers = _servers(settings, source)
        self._cluster = f"{settings.host}:{settings.port}" if settings.is_cluster else ""

    @property
    def is_down(self) -> bool:
        """Whether operations are skipped, because Redis has not answered recently."""
        return self._breaker.is_open

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the object under ``key``; None when there is none, or it cannot be read."""
        if key in self._ahead:
            return _decoded(self._ahead.pop(key), key)
        return _decoded(self._send("get", _Command(key, ("GET", key))), key)

    @contextmanager
    def reading_ahead(self, keys: Sequence[str]) -> Iterator[None]:
        """Read ``keys`` in one round trip; the first ``get`` of each then needs none."""
        if keys:
            commands = [_Command(key, ("GET", key)) for key in keys]
            answers = self._send_all("get", commands)
            self._ahead = dict(zip(keys, answers, strict=True)) if answers else {}
        try:
            yield
        finally:
            self._ahead = {}

    def get_with_server(self, key: str) -> tuple[dict[str, Any] | None, CacheServer] | None:
        """Return what ``get`` does, with the server; None when Redis does not answer."""
        answer = self.run("get", GET_WITH_SERVER, key)
        if answer is None:
            return None
        text, told = answer
        return _decoded(text, key), server_of(told, self._cluster)

    def set(self, key: str, value: dict[str, Any], ttl_seconds: int) -> bool:
        """Put ``value`` under ``key`` for ``ttl_seconds``; return whether Redis answered."""
        text = json.dumps(value, separators=(",", ":"))
        command = _Command(key, ("SET", key, text, "EX", ttl_seconds))
        return bool(self._send("set", command))

    def set_if_newer(self, key: str, value: dict[str, Any], ttl_seconds: int) -> CacheServer | None:
        """Put ``value`` under ``key`` unless the stored ``version`` is equal or greater.

        An equal version is replaced if ``recorded_at`` is later. Returns the server, which then has
        ``value`` or a newer one; None when Redis does not answer.
        """
        text = json.dumps(value, separators=(",", ":"))
        arguments = (text, value["version"], value.get("recorded_at") or "", ttl_seconds)
        told = self.run("set_if_newer", SET_IF_NEWER, key, *arguments)
        return None if told is None else server_of(told, self._cluster)

    def delete(self, key: str) -> bool:
        """Remove ``key``; return whether Redis answered."""
        return self._send("delete", _Command(key, ("DEL", key))) is not None

    def run(self, operation: str, script: str, key: str, *arguments: str | int) -> Any:
        """Run a Lua ``script`` on ``key``; None when Redis does not answer.

        The script may run twice when an answer is lost. ``operation`` names it in metrics.
        """
        return self._send(operation, _script(script, key, arguments))

    def run_along(self, script: str, key: str, *arguments: str | int) -> None:
        """Run a Lua ``script`` in the round trip of the next operation, without its result."""
        self._along.append(_script(script, key, arguments))

    def reconnect(self) -> None:
        """Close the connections: the address may lead to another server meanwhile."""
        self._servers.disconnect()

    def _send(self, operation: str, command: _Command) -> Any:
        answers = self._send_all(operation, [command])
        return answers[-1] if answers else None

    def _send_all(self, operation: str, commands: Sequence[_Command]) -> list[Any] | None:
        """Execute ``commands`` in one round trip; None when Redis does not answer."""
        along, self._along = self._along, []
        together = [*along, *commands]
        answers = self._attempt(operation, commands[0].key, lambda: self._execute(together))
        return None if answers is None else answers[len(along) :]

    def _execute(self, commands: Sequence[_Command]) -> list[Any]:
        answers = self._servers.execute_all([(each.key, each.words) for each in commands])
        for number, (command, answer) in enumerate(zip(commands, answers, strict=True)):
            if isinstance(answer, NoScriptError):
                # From now on the server has the script.
                _, _, *arguments = command.words
                words = ("EVAL", command.script or "", *arguments)
                answers[number] = self._servers.execute(command.key, *words)
            elif isinstance(answer, RedisError):
                raise answer
        return answers

    def _attempt(self, operation: str, key: str, call: Callable[[], Any]) -> Any:
        seconds = _seconds_left()
        if self._breaker.is_open or not seconds:
            return None
        try:
            answer = self._call(key, call)
        except (RedisError, OSError, SecretUnavailable) as error:
            if isinstance(error, AuthenticationError) and self._source and self._source.renewed():
                return self._attempt(operation, key, call)
            if seconds > _FAIR_SECONDS:
                self._breaker.record_failure()
            logger.warning(
                "Redis does not answer", **emit_dependency_failure("redis", operation, error)
            )
            return None
        self._breaker.record_success()
        return answer

    def _call(self, key: str, call: Callable[[], Any]) -> Any:
        if not self._servers.is_connected(key):
            return self._once(call, CONNECT_SECONDS)
        try:
            return self._once(call, _OPERATION_SECONDS)
        except (RedisError, OSError) as error:
            if isinstance(error, RedisTimeoutError):
                if self._was_late_before:
                    raise
                self._late_at = time.time()
        # After a freeze the connection may be broken. All operations here may be repeated.
        return self._once(call, CONNECT_SECONDS)

    def _once(self, call: Callable[[], Any], seconds: float) -> Any:
        try:
            with within(seconds):
                return call()
        except (RedisError, OSError, SecretUnavailable):
            self._servers.disconnect()
            raise

    @property
    def _was_late_before(self) -> bool:
        # The monotonic clock may stop while the environment is frozen; the system time does not.
        return time.time() - self._late_at < _SLOW_SECONDS


def _decoded(text: object, key: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        logger.warning("a cached value is not JSON", key=key)
        return None
    return value if isinstance(value, dict) else None


def _servers(settings: CacheSettings, source: Rotating[CacheSettings] | None) -> _Servers:
    # Imported where it is used, because imports make up a cold start.
    if settings.is_cluster:
        from streaming.cache.cluster import ClusteredRedis

        return ClusteredRedis(settings, source)
    from streaming.cache.standalone import StandaloneRedis

    return StandaloneRedis(settings, source)


def _script(script: str, key: str, arguments: Sequence[str | int]) -> _Command:
    return _Command(key, ("EVALSHA", _sha(script), 1, key, *arguments), script)


@cache
def _sha(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


def _seconds_left() -> float:
    try:
        return allowance(CONNECT_SECONDS)
    except DeadlineExceeded:
        return 0.0
