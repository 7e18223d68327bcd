"""The Redis of the tests' stack, which may be in cluster mode.

With ``TEST_REDIS_CLUSTER=1`` it is one node that owns all slots, with ``TEST_REDIS_CLUSTER=3`` it
is three nodes, so the tests also hold for a cluster.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS

from local.ports import free_ports
from local.servers.redis import Redis
from local.stack import Stack
from local.state import State
from tests.support.redis_cluster import RedisNode, form_cluster, lists
from tests.support.waiting import eventually


class OneNode(RedisNode):
    """A node that owns all slots."""

    def prepare(self) -> None:
        """Assign the slots, once, and wait until the node serves them after its start."""
        if self.info("cluster_slots_assigned") == "0":
            self.own(0, REDIS_CLUSTER_HASH_SLOTS - 1)
        eventually(self.is_well)


class ThreeNodes(OneNode):
    """Three nodes as one server: each owns a third of the slots, and all start and stop together.

    Its port is that of the first node.
    """

    def __init__(self, port: int, state: State) -> None:
        super().__init__(port, state)
        self._others = [RedisNode(each, state) for each in free_ports(2)]

    def launch(self) -> None:
        """Start the servers in cluster mode."""
        super().launch()
        for node in self._others:
            node.launch()

    def check(self) -> None:
        """Send PING to all nodes and expect PONG."""
        super().check()
        for node in self._others:
            node.check()

    def prepare(self) -> None:
        """Assign the slots, once, and wait until all nodes serve them and know all owners."""
        nodes = [self, *self._others]
        if self.info("cluster_slots_assigned") == "0":
            form_cluster(nodes)
        eventually(lambda: all(node.is_well() for node in nodes))
        eventually(lambda: all(lists(node, len(nodes)) for node in nodes))

    def ask_to_stop(self) -> None:
        """Send the signal for an orderly shutdown to all nodes and return at once."""
        super().ask_to_stop()
        for node in self._others:
            node.ask_to_stop()

    def stop(self) -> None:
        """Stop all nodes in order."""
        super().stop()
        for node in self._others:
            node.stop()

    def kill(self) -> None:
        """Kill all nodes, and wait for their end."""
        super().kill()
        for node in self._others:
            node.kill()


def server(port: int, state: State, environment: Mapping[str, str]) -> Redis:
    """Return a Redis, in cluster mode if ``environment`` requests it."""
    kinds = {"": Redis, "1": OneNode, "3": ThreeNodes}
    return kinds[environment.get("TEST_REDIS_CLUSTER", "")](port, state)


def use_where_wanted(stack: Stack, environment: Mapping[str, str]) -> None:
    """Give a stack that has not started a Redis in cluster mode, if ``environment`` requests it."""
    stack.redis = server(stack.ports.redis_port, stack.state, environment)
    if isinstance(stack.redis, RedisNode):
        stack.environment["REDIS_CLUSTER"] = "true"


@contextmanager
def announced(stack: Stack, port: int) -> Iterator[None]:
    """Make the stack's Redis advertise ``port``, to which a cluster would redirect clients.

    A server without cluster mode redirects no clients.
    """
    node = stack.redis
    if not isinstance(node, RedisNode):
        yield
        return
    node.announce(port)
    try:
        yield
    finally:
        node.announce(node.port)


def client_of(stack: Stack) -> redis.Redis:
    """Return a client of the stack's Redis, which follows the redirections of a cluster."""
    if isinstance(stack.redis, RedisNode):
        cluster = redis.RedisCluster("127.0.0.1", stack.redis.port, decode_responses=True)
        return cast(redis.Redis, cluster)
    return redis.Redis(port=stack.ports.redis_port, decode_responses=True)
