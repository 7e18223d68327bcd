"""Redis in cluster mode: each node owns some slots, and redirects clients for the others.

redis-py's client implements the protocol: the slot of a key, MOVED, ASK. Its handling of failures
may take long, so its retries are disabled, its waits are bounded by the deadline, and after a
failure a new client is created from what the other nodes report.
"""

from collections.abc import Callable, Sequence
from typing import Any

import redis.cluster
from redis import ConnectionPool
from redis.cluster import ClusterNode
from redis.crc import key_slot
from redis.exceptions import (
    ClusterDownError,
    ClusterError,
    NoScriptError,
    RedisClusterException,
    RedisError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from streaming.cache.connection_options import connection_options, no_retries
from streaming.config.cache import CacheSettings
from streaming.config.rotating_secrets import Rotating

Address = tuple[str, int]

# What redis-py raises beside ``RedisError``; for a node without slots it raises ``LookupError``.
_NO_REDIS_ERRORS = (RedisClusterException, LookupError)


class ClusteredRedis:
    """Executes commands on the node that owns the key.

    The settings contain the address of one node, or one that resolves to any node. The first
    operation discovers the other nodes from it.
    """

    def __init__(
        self, settings: CacheSettings, source: Rotating[CacheSettings] | None = None
    ) -> None:
        self._address = settings.host, settings.port
        self._options = connection_options(settings, source)
        self._client: _Client | None = None
        self._reached: set[Address] = set()
        self._known: list[Address] = []
        # The addresses that the next discovery asks, in order.
        self._to_ask = [self._address]
        self._pools: dict[Address, ConnectionPool] = {}

    def is_connected(self, key: str) -> bool:
        """Return whether the node of ``key`` is connected."""
        try:
            return self._client is not None and _node(self._client, key) in self._reached
        except RedisError:
            return False

    def execute(self, key: str, *command: str | int) -> Any:
        """Return the answer to a ``command`` on ``key``, its only key.

        The known nodes may be outdated. So a command that fails is tried once more after a new
        discovery, within the same deadline; not after a time-out, and not when the cluster reports
        that it is down. Raises ``RedisError``.
        """
        client = self._client
        if client is None:
            return self._execute(self._discover(), key, command)
        try:
            return self._execute(client, key, command)
        except (NoScriptError, RedisTimeoutError, ClusterDownError):
            raise
        except RedisError:
            self.disconnect()
        return self._execute(self._discover(), key, command)

    def execute_all(self, commands: Sequence[tuple[str, tuple[str | int, ...]]]) -> list[Any]:
        """Return the answers to commands on their keys, which may be on several nodes.

        A missing script is the answer of its command. Raises ``RedisError``.
        """
        answers: list[Any] = []
        for key, command in commands:
            try:
                answers.append(self.execute(key, *command))
            except NoScriptError as error:
                answers.append(error)
        return answers

    def disconnect(self) -> None:
        """Close the idle connections; the next operation discovers the nodes again."""
        self._client = None
        self._reached.clear()
        for pool in list(self._pools.values()):
            pool.disconnect(inuse_connections=False)

    def _execute(self, client: "_Client", key: str, command: tuple[str | int, ...]) -> Any:
        node = _node(client, key)
        send: Callable[..., Any] = client.execute_command
        try:
            answer = send(*command)
        except NoScriptError:
            raise
        except RedisError:
            self._distrust(node)
            raise
        except _NO_REDIS_ERRORS as error:
            self._distrust(node)
            raise _as_redis_error(error) from None
        self._reached.add(node)
        return answer

    def _distrust(self, node: Address) -> None:
        """Let the next discovery ask the other nodes, because this one may not answer."""
        self._to_ask = [each for each in self._known if each != node] or [self._address]

    def _discover(self) -> "_Client":
        first, *others = self._to_ask
        # If these do not answer, the following discovery asks all known addresses.
        self._to_ask = list(dict.fromkeys([self._address, *self._known]))
        try:
            client = _Client(
                # redis-py uses ``connection_pool_class`` only when it is given a URL.
                url=_url(first),
                startup_nodes=[ClusterNode(*address) for address in others],
                connection_pool_class=self._pool,
                require_full_coverage=False,
                retry=no_retries(),
                **self._options,
            )
        except _NO_REDIS_ERRORS as error:
            raise _as_redis_error(error) from None
        self._known = [(node.host, node.port) for node in client.nodes_manager.nodes_cache.values()]
        self._client = client
        return client

    def _pool(self, host: str, port: int, **options: Any) -> ConnectionPool:
        # A new client reuses the connections of the former one.
        pool = self._pools.get((host, port))
        if pool is None:
            # It is bound to the client, and would keep it alive.
            options.pop("redis_connect_func")
            pool = self._pools[host, port] = _Pool(host=host, port=port, **options)
        return pool


class _Client(redis.cluster.RedisCluster):
    """redis-py's client, which finds the key of a command without asking the server."""

    def command(self, **_: Any) -> dict[str, Any]:
        """Return no descriptions of commands: reading them takes longer than everything else."""
        return {}

    def determine_slot(self, *args: Any) -> int:
        """Return the slot of a script's key, or of the first argument."""
        return _slot(args[3] if args[0] in ("EVAL", "EVALSHA") else args[1])

    def get_node(
        self, host: str | None = None, port: int | None = None, node_name: str | None = None
    ) -> ClusterNode | None:
        """Return a node, also one that an ASK names and that discovery has not seen yet."""
        node = self.nodes_manager.get_node(host, port, node_name)
        if node is None and node_name:
            host, _, number = node_name.rpartition(":")
            node = ClusterNode(host, int(number), redis.cluster.PRIMARY)
        return node


class _Pool(ConnectionPool):
    """A pool that keeps its connections when redis-py discovers nodes."""

    def disconnect_free_connections(self, *_: Any, **__: Any) -> None:
        """Keep them."""

    def update_active_connections_for_reconnect(self, *_: Any, **__: Any) -> None:
        """Keep them."""


def _node(client: _Client, key: str) -> Address:
    try:
        node = client.nodes_manager.get_node_from_slot(_slot(key))
    except _NO_REDIS_ERRORS as error:
        raise _as_redis_error(error) from None
    return node.host, node.port


def _slot(key: str) -> int:
    return key_slot(key.encode())


def _as_redis_error(error: Exception) -> RedisError:
    """Return the ``RedisError`` that redis-py has wrapped in ``error``, else a ``ClusterError``."""
    inner: BaseException | None = error
    while inner is not None and not isinstance(inner, RedisError):
        inner = inner.__cause__ or inner.__context__
    return inner or ClusterError(repr(error))


def _url(address: Address) -> str:
    host, port = address
    return f"redis://{f'[{host}]' if ':' in host else host}:{port}"
