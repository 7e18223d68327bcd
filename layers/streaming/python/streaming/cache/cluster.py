"""A Redis in cluster mode: each node owns some slots, and sends clients elsewhere for the others.

redis-py's client knows the rules: which slot a key has, MOVED, ASK. What it does on failures may
take long, so it never repeats anything here, its waits draw from the deadline, and after a failure
it is made anew from what the other nodes say.
"""

from collections.abc import Callable
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

# What redis-py raises beside ``RedisError``: a node that has no slots makes it look into nothing.
_NO_REDIS_ERRORS = (RedisClusterException, LookupError)


class ClusteredRedis:
    """Executes commands on the node that owns the key.

    The settings name a node, or an address that leads to any. The first operation asks it for the
    others.
    """

    def __init__(
        self, settings: CacheSettings, source: Rotating[CacheSettings] | None = None
    ) -> None:
        self._address = settings.host, settings.port
        self._options = connection_options(settings, source)
        self._client: _Client | None = None
        self._reached: set[Address] = set()
        self._known: list[Address] = []
        # Whom the next discovery asks for the nodes.
        self._to_ask = [self._address]
        self._pools: dict[Address, ConnectionPool] = {}

    def is_connected(self, key: str) -> bool:
        """Tell whether the node of ``key`` has answered, so that the operation need not connect."""
        try:
            return self._client is not None and _node(self._client, key) in self._reached
        except RedisError:
            return False

    def execute(self, key: str, *command: str | int) -> Any:
        """Return the answer to a ``command`` on ``key``, which has no other key.

        What was known of the nodes may be outdated. So a command that fails is tried once more, in
        the same time, by what they say then; not when that time is over, and not when the cluster
        has said that it is down.
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

    def disconnect(self) -> None:
        """Close the connections that nobody uses just now, and ask for the nodes next time."""
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
        """Ask the others for the nodes, because this one may not answer."""
        self._to_ask = [each for each in self._known if each != node] or [self._address]

    def _discover(self) -> "_Client":
        first, *others = self._to_ask
        # When these do not answer, anybody is asked.
        self._to_ask = list(dict.fromkeys([self._address, *self._known]))
        try:
            client = _Client(
                # Only a client that was given an address makes pools of a class of ours.
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
        # Each client that is made goes on with the connections of the one before.
        pool = self._pools.get((host, port))
        if pool is None:
            # Bound to the client that is made just now, it would keep that alive.
            options.pop("redis_connect_func")
            pool = self._pools[host, port] = _Pool(host=host, port=port, **options)
        return pool


class _Client(redis.cluster.RedisCluster):
    """redis-py's client, which knows without asking where the commands here have their key."""

    def command(self, **_: Any) -> dict[str, Any]:
        """Return no descriptions of commands: reading them takes longer than all else."""
        return {}

    def determine_slot(self, *args: Any) -> int:
        """Return the slot of a script's key, or of the first argument."""
        return _slot(args[3] if args[0] in ("EVAL", "EVALSHA") else args[1])

    def get_node(
        self, host: str | None = None, port: int | None = None, node_name: str | None = None
    ) -> ClusterNode | None:
        """Return a node, even one that an ASK has named and that is too new to be known."""
        node = self.nodes_manager.get_node(host, port, node_name)
        if node is None and node_name:
            host, _, number = node_name.rpartition(":")
            node = ClusterNode(host, int(number), redis.cluster.PRIMARY)
        return node


class _Pool(ConnectionPool):
    """A pool whose connections outlive that a node was asked for the others."""

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
    """Return what the node said that was asked last, where redis-py wraps it in something else."""
    inner: BaseException | None = error
    while inner is not None and not isinstance(inner, RedisError):
        inner = inner.__cause__ or inner.__context__
    return inner or ClusterError(repr(error))


def _url(address: Address) -> str:
    host, port = address
    return f"redis://{f'[{host}]' if ':' in host else host}:{port}"
