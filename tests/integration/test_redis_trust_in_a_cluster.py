"""The servers of Redis in use, in cluster mode: a node that takes over replaces its primary."""

from collections.abc import Iterator

import pytest

from local.stack import Stack
from streaming.cache.client import Cache
from streaming.repository.cache_trust import CacheTrustRecord
from streaming.repository.database import Database
from streaming.resilience.cache_trust import CacheServer, CacheTrust
from tests.conftest import Rows
from tests.support.redis_cluster import RedisNodes, cache_of
from tests.support.waiting import eventually

FORGET = "UPDATE cache_trust SET trusted_from = now(), servers = '{}'"
SETTLE = "UPDATE cache_trust SET trusted_from = now()"
TRUSTED = "SELECT servers FROM cache_trust"


@pytest.fixture
def nodes(stack: Stack) -> Iterator[RedisNodes]:
    """Three nodes, each with a third of the slots, and a replica of each."""
    with RedisNodes(stack.state, replicas=True, timeout=2) as nodes:
        yield nodes


def test_a_node_that_takes_over(nodes: RedisNodes, database: Database, rows: Rows) -> None:
    """It takes the place of the former primary among the servers in use; the others stay."""
    cache = cache_of(nodes.primaries[1])
    trust = CacheTrust()
    record = CacheTrustRecord(database, trust)
    rows(FORGET)
    keys = [nodes.new_key(node) for node in nodes.primaries]
    before = [server_of(cache, key) for key in keys]
    for server in before:
        record.distrust(server)
        rows(SETTLE)
    assert rows(TRUSTED) == [{"servers": [server.name for server in before]}]
    failed = nodes.primaries[0]
    failed.kill()
    nodes.await_replica(failed)

    after = server_of(cache, keys[0])
    assert after.predecessor == before[0].id
    assert not trust.includes(after)
    record.distrust(after)

    expected = [before[1].name, before[2].name, after.name]
    assert rows(TRUSTED) == [{"servers": expected}]
    assert [trust.includes(server) for server in (*before, after)] == [False, True, True, True]
    rows(FORGET)


def server_of(cache: Cache, key: str) -> CacheServer:
    """Write ``key`` and return the server that has it."""
    server: CacheServer = eventually(lambda: cache.set_if_newer(key, {"version": 1}, 60))
    assert server.id
    return server
