"""Redis in cluster mode: nodes that own slots and redirect clients."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import permutations
from typing import Any, Self
from uuid import uuid4

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from local.ports import free_ports
from local.servers.redis import Redis
from local.state import State
from streaming.cache.client import Cache
from streaming.config.cache import CacheSettings
from tests.support.stored_redis import COPIES_AT_ONCE
from tests.support.waiting import eventually


class RedisNode(Redis):
    """One node without slots; its configuration of the cluster persists over restarts.

    A replica takes over about ``timeout`` seconds after the last message of its primary; on a busy
    machine messages of running nodes are also delayed.
    """

    def __init__(self, port: int, state: State, timeout: int = 15) -> None:
        super().__init__(port, state)
        self._timeout = timeout
        (self.bus_port,) = free_ports(1)
        self._folder = state.folder / f"redis-{port}"
        self._announced = port

    def launch(self) -> None:
        """Start the server in cluster mode."""
        self._folder.mkdir(exist_ok=True)
        self.more_options = (
            *("--cluster-enabled", "yes", "--dir", str(self._folder)),
            *("--cluster-port", str(self.bus_port), "--cluster-announce-ip", "127.0.0.1"),
            *("--cluster-announce-port", str(self._announced)),
            *("--cluster-node-timeout", str(self._timeout * 1000)),
            *COPIES_AT_ONCE,
        )
        super().launch()

    @property
    def client(self) -> redis.Redis:
        """A client of only this node."""
        return redis.Redis(port=self.port, decode_responses=True)

    def ask(self, *command: str | int) -> Any:
        """Return the reply to a command for this node."""
        with self.client as client:
            return client.execute_command(*command)

    def ask_for_moved(self, *command: str | int) -> Any:
        """Return the reply to a command on a key whose slot is moving to this node."""
        with self.client as client, client.pipeline(transaction=False) as pipeline:
            pipeline.execute_command("ASKING")
            pipeline.execute_command(*command)
            return pipeline.execute()[1]

    @property
    def name_in_cluster(self) -> str:
        """The node's id in the cluster."""
        return str(self.ask("CLUSTER", "MYID"))

    def own(self, first: int, last: int) -> None:
        """Own the slots from ``first`` to ``last``."""
        self.ask("CLUSTER", "ADDSLOTSRANGE", first, last)

    def slots(self) -> list[Any]:
        """Return the owners of the slots, as sent to clients."""
        listed: list[Any] = self.ask("CLUSTER", "SLOTS")
        return listed

    def knows(self, other: "RedisNode") -> bool:
        """Return whether it knows the other node."""
        listed = str(self.ask("CLUSTER", "NODES")).splitlines()
        return any(f":{other.port}@" in line and "handshake" not in line for line in listed)

    def is_well(self) -> bool:
        """Return whether the node considers all slots of the cluster served."""
        return self.info("cluster_state") == "ok"

    def info(self, name: str) -> str:
        """Return a field of CLUSTER INFO."""
        return str(self.ask("CLUSTER INFO")[name])

    def info_of(self, name: str) -> Any:
        """Return a field of INFO."""
        return self.ask("INFO")[name]

    def announce(self, port: int) -> None:
        """Advertise ``port`` to clients, also after restarts."""
        self._announced = port
        if self.running:
            self.ask("CONFIG", "SET", "cluster-announce-port", port)


def cache_of(node: RedisNode) -> Cache:
    """Return a cache with the address of ``node``."""
    return Cache(CacheSettings("127.0.0.1", node.port, 60, 60, is_cluster=True))


class RedisNodes:
    """Several primaries, each with a part of the slots and optionally a replica."""

    def __init__(
        self, state: State, primaries: int = 3, *, replicas: bool = False, timeout: int = 15
    ) -> None:
        ports = free_ports(primaries * (2 if replicas else 1))
        nodes = [RedisNode(port, state, timeout) for port in ports]
        self.primaries, self.replicas = nodes[:primaries], nodes[primaries:]

    def __enter__(self) -> Self:
        """Start the nodes and wait until each knows all others."""
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.await_ready()
        form_cluster(self.primaries)
        meet(self.nodes)
        for primary, replica in zip(self.primaries, self.replicas, strict=False):
            eventually(partial(_replicates, replica, primary.ask("CLUSTER", "MYID")))
        eventually(lambda: all(node.is_well() for node in self.nodes))
        eventually(lambda: all(lists(node, len(self.nodes)) for node in self.nodes))
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the nodes."""
        for node in self.nodes:
            node.ask_to_stop()
        for node in self.nodes:
            node.stop()

    @property
    def nodes(self) -> list[RedisNode]:
        """All nodes, primaries first."""
        return [*self.primaries, *self.replicas]

    @contextmanager
    def joined(self, node: RedisNode) -> Iterator[RedisNode]:
        """Run one more node without slots; the others forget it afterwards."""
        node.start()
        try:
            meet([node, *self.nodes])
            eventually(node.is_well)
            yield node
            for each in self.nodes:
                each.ask("CLUSTER", "FORGET", node.name_in_cluster)
        finally:
            node.stop()

    @contextmanager
    def announced(self, node: RedisNode, port: int) -> Iterator[None]:
        """Advertise ``port`` for ``node`` on every node."""
        try:
            node.announce(port)
            eventually(lambda: all(str(port) in str(each.slots()) for each in self.nodes))
            yield
        finally:
            node.announce(node.port)
            eventually(lambda: not any(str(port) in str(each.slots()) for each in self.nodes))

    def new_key(self, node: RedisNode) -> str:
        """Return a new key that ``node`` owned initially."""
        return next(key for key in map(str, iter(uuid4, None)) if self.owner(key) is node)

    def replica_of(self, node: RedisNode) -> RedisNode:
        """Return the replica that ``node`` had initially."""
        return self.replicas[self.primaries.index(node)]

    def await_replica(self, node: RedisNode) -> None:
        """Wait until all nodes except ``node`` know that its replica has taken over."""
        port = self.replica_of(node).port
        for each in self.nodes:
            if each is not node:
                eventually(partial(_is_owner, each, port))

    def owner(self, key: str) -> RedisNode:
        """Return the primary that initially owned the slot of ``key``."""
        slot = key_slot(key.encode())
        shares = shares_of(len(self.primaries))
        (index,) = (i for i, (first, last) in enumerate(shares) if first <= slot <= last)
        return self.primaries[index]


def form_cluster(primaries: Sequence[RedisNode]) -> None:
    """Divide the slots among nodes that have none, and introduce the nodes to each other."""
    for number, (node, (first, last)) in enumerate(
        zip(primaries, shares_of(len(primaries)), strict=True)
    ):
        node.own(first, last)
        node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    meet(primaries)


def meet(nodes: Sequence[RedisNode]) -> None:
    """Introduce all nodes to each other; a busy node may need several attempts."""

    def all_know_all() -> bool:
        strangers = [pair for pair in permutations(nodes, 2) if not pair[0].knows(pair[1])]
        for node, other in strangers:
            node.ask("CLUSTER", "MEET", "127.0.0.1", other.port, other.bus_port)
        return not strangers

    eventually(all_know_all)


def shares_of(number: int) -> list[tuple[int, int]]:
    """Return the first and the last slot of each of ``number`` primaries."""
    bounds = [REDIS_CLUSTER_HASH_SLOTS * i // number for i in range(number + 1)]
    return [(bounds[i], bounds[i + 1] - 1) for i in range(number)]


def _replicates(replica: RedisNode, primary: str) -> bool:
    try:
        return bool(replica.ask("CLUSTER", "REPLICATE", primary))
    except redis.ResponseError:
        # It does not know the other node yet.
        return False


def lists(node: RedisNode, number: int) -> bool:
    """Return whether the node tells clients at least ``number`` nodes."""
    return sum(len(each) - 2 for each in node.slots()) >= number


def _is_owner(node: RedisNode, port: int) -> bool:
    return any(slots[2][1] == port for slots in node.slots())
