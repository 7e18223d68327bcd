"""Redis whose address resolves to another server, while the former one still responds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
import redis

from local.ports import free_ports
from local.servers.redis import Redis
from local.stack import Stack
from streaming.cache.client import Cache
from streaming.config.cache import CacheSettings
from tests.conftest import set_subscription
from tests.support.functions import Viewer, forget_environment, patient_request
from tests.support.stored_redis import COPIES_AT_ONCE
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import eventually


@dataclass
class Pair:
    """A primary and its replica, and the address that clients use, which leads to the primary."""

    primary: redis.Redis
    replica: redis.Redis
    address: TcpProxy

    def lead_to_replica(self) -> None:
        """Promote the replica and route new connections to it; open ones are unchanged."""
        self.replica.replicaof("NO", "ONE")
        self.address.target_port = port_of(self.replica)


def port_of(server: redis.Redis) -> int:
    """Return the address of a server."""
    port: int = server.connection_pool.connection_kwargs["port"]
    return port


@pytest.fixture
def pair(
    stack: Stack, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pair]:
    """Two servers in sync, and an environment that uses their address."""
    ports = free_ports(2)
    servers = [Redis(port, stack.state) for port in ports]
    for server in servers:
        server.more_options = COPIES_AT_ONCE
        server.start()
    primary, replica = (redis.Redis(port=port, decode_responses=True) for port in ports)
    replica.replicaof("127.0.0.1", str(ports[0]))
    eventually(lambda: replica.info("replication")["master_link_status"] == "up")
    try:
        with TcpProxy(ports[0]) as address:
            monkeypatch.setenv("REDIS_PORT", str(address.port))
            forget_environment()
            yield Pair(primary, replica, address)
            forget_environment()
    finally:
        for client in (primary, replica):
            client.close()
        for server in servers:
            server.stop()


def demote(pair: Pair) -> None:
    """READONLY: the former primary follows the new one."""
    pair.primary.replicaof("127.0.0.1", str(port_of(pair.replica)))


def lose_master(pair: Pair) -> None:
    """MASTERDOWN: its primary does not respond, and it is configured to say so."""
    pair.primary.config_set("replica-serve-stale-data", "no")
    (nowhere,) = free_ports(1)
    pair.primary.replicaof("127.0.0.1", str(nowhere))


def lose_replicas(pair: Pair) -> None:
    """NOREPLICAS: it is disconnected from the replicas that must have each write."""
    pair.primary.config_set("min-replicas-to-write", 1)
    eventually(lambda: pair.primary.info("replication")["connected_slaves"] == 0)


def fill(pair: Pair) -> None:
    """OOM: it has no memory left for a write."""
    pair.primary.config_set("maxmemory", 1)


states = pytest.mark.parametrize("state", [demote, lose_master, lose_replicas, fill])


@states
def test_cache_moves_to_the_new_primary(pair: Pair, state: Callable[[Pair], None]) -> None:
    """The first write after a fail-over reaches the server that can execute it."""
    cache = Cache(CacheSettings("127.0.0.1", pair.address.port, 60, 60))
    assert cache.set("before", {"version": 1}, 60)
    eventually(lambda: pair.replica.get("before"))
    pair.lead_to_replica()
    state(pair)

    assert cache.set("after", {"version": 2}, 60)

    assert pair.replica.get("after") == '{"version":2}'


def test_cache_leaves_a_server_that_it_met_demoted(pair: Pair) -> None:
    """An environment that began on a replica writes once the address leads to a primary."""
    pair.address.target_port = port_of(pair.replica)
    cache = Cache(CacheSettings("127.0.0.1", pair.address.port, 60, 60))
    assert not cache.set("early", {"version": 1}, 60)
    pair.address.target_port = port_of(pair.primary)

    eventually(lambda: cache.set("late", {"version": 2}, 60))

    assert pair.primary.get("late") == '{"version":2}'


@states
def test_limit_of_streams_holds_after_a_fail_over(
    stack: Stack, viewer: Viewer, movie_id: UUID, pair: Pair, state: Callable[[Pair], None]
) -> None:
    """A stream that began before a fail-over counts in the environment that began before it."""
    set_subscription(stack, viewer.user_id, max_streams=1)
    viewer = replace(viewer, send=patient_request)
    session_id = viewer.start(movie_id).json["session_id"]
    eventually(lambda: pair.replica.hlen(f"streams:{viewer.user_id}"))
    pair.lead_to_replica()
    state(pair)

    refused = viewer.start(movie_id)
    assert (refused.status, refused.json["code"]) == (429, "stream_limit_reached")

    assert viewer.stop(movie_id, 1, session_id=session_id).status == 200
    assert viewer.start(movie_id).status == 200
    assert viewer.start(movie_id).status == 429
