"""Redis in cluster mode: three nodes that redirect clients to each other."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from local.ports import free_ports
from local.servers.redis import Redis
from local.stack import Stack
from streaming.cache.client import Cache
from streaming.config.cache import CacheSettings
from tests.conftest import set_subscription
from tests.support.admin import erase
from tests.support.functions import (
    Viewer,
    event,
    forget_environment,
    invoke,
    new_viewer,
)
from tests.support.redis_cluster import RedisNode, RedisNodes, cache_of
from tests.support.tls import Authority, TlsFront
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def nodes(stack: Stack) -> Iterator[RedisNodes]:
    """Three nodes, each with a third of the slots."""
    with RedisNodes(stack.state) as nodes:
        yield nodes


@pytest.fixture
def cache(nodes: RedisNodes) -> Cache:
    """A cache with the address of one node."""
    return cache_of(nodes.nodes[0])


@pytest.fixture
def viewer(
    stack: Stack, environment: dict[str, str], nodes: RedisNodes, monkeypatch: pytest.MonkeyPatch
) -> Viewer:
    """A new subscriber of functions whose Redis is the cluster."""
    monkeypatch.setenv("REDIS_CLUSTER", "true")
    monkeypatch.setenv("REDIS_PORT", str(nodes.nodes[0].port))
    forget_environment()
    subscriber = new_viewer(stack.token)
    set_subscription(stack, subscriber.user_id)
    return subscriber


def stored(nodes: RedisNodes, key: str) -> str | None:
    """Return the value of ``key`` in its owner."""
    value: str | None = nodes.owner(key).ask("GET", key)
    return value


def test_every_operation_finds_its_node(nodes: RedisNodes, cache: Cache) -> None:
    """Whatever slot a key has, the node that owns it executes each operation."""
    for node in nodes.nodes:
        key = nodes.new_key(node)
        assert cache.set(key, {"version": 1}, 60)
        assert cache.set_if_newer(key, {"version": 2}, 60)
        assert cache.get(key) == {"version": 2}
        assert stored(nodes, key) == '{"version":2}'
        assert cache.delete(key)
        assert cache.get(key) is None


def test_playback(nodes: RedisNodes, viewer: Viewer, movie_id: UUID, stack: Stack) -> None:
    """The calls use the cluster as one Redis, for caching, publishing and limiting."""
    set_subscription(stack, viewer.user_id, max_streams=1)

    session_id = viewer.start(movie_id).json["session_id"]
    assert viewer.report(movie_id, 8).status == 200
    assert viewer.start(movie_id).status == 429
    assert viewer.stop(movie_id, 9, session_id=session_id).status == 200

    progress = stored(nodes, f"progress:{viewer.user_id}:{movie_id}")
    assert progress is not None
    assert json.loads(progress)["position_seconds"] == 9
    assert stored(nodes, f"subscription:{viewer.user_id}")
    streams = f"streams:{viewer.user_id}"
    assert nodes.owner(streams).ask("HGET", streams, session_id).startswith("-")
    copies = [key for node in nodes.nodes for key in node.ask("KEYS", f"copy:{movie_id}:*")]
    assert copies


def test_changed_subscription_is_forgotten(
    nodes: RedisNodes, viewer: Viewer, movie_id: UUID
) -> None:
    """Two keys of one user, owned by different nodes, are both deleted."""
    assert viewer.start(movie_id).status == 200
    payload = event("subscription_changed")
    value = json.dumps({"user_id": str(viewer.user_id)}).encode()
    (record,) = payload["records"]["subscription.changed-0"]
    record["value"] = base64.b64encode(value).decode()
    keys = [f"subscription:{viewer.user_id}", f"subscription:grace:{viewer.user_id}"]
    assert all(stored(nodes, key) for key in keys)

    assert invoke("subscription_changed", payload) == {"forgotten": 1}

    assert not any(stored(nodes, key) for key in keys)


def test_erasure(nodes: RedisNodes, viewer: Viewer, movie_id: UUID) -> None:
    """Whichever nodes own a user's keys, none of the cached data remain after the erasure."""
    viewer.start(movie_id)
    for position, film in enumerate([movie_id, *(uuid4() for _ in range(5))]):
        assert viewer.report(film, position).status == 200

    assert erase(viewer.user_id).json["positions"] == 6

    kept = [(node, key) for node in nodes.nodes for key in node.ask("KEYS", f"*{viewer.user_id}*")]
    assert not any("position_seconds" in node.ask("GET", key) for node, key in kept)
    assert all(0 < node.ask("TTL", key) <= 60 for node, key in kept)


def test_slot_on_its_way(nodes: RedisNodes, cache: Cache) -> None:
    """While a slot moves (ASK), after it has moved (MOVED) and after it is back, keys are found."""
    source, target = nodes.nodes[1:]
    key = nodes.new_key(source)
    assert cache.set(key, {"version": 1}, 60)
    with slot_on_its_way(key, source, target):
        assert cache.get(key) == {"version": 1}
        source.ask("DEL", key)
        assert cache.set_if_newer(key, {"version": 2}, 60)
        assert cache.get(key) == {"version": 2}
        hand_over(nodes, key, target)
        assert cache.get(key) == {"version": 2}
        assert target.ask("GET", key) == '{"version":2}'
        assert cache.delete(key)
    # A node that imports a slot claims it in a new epoch, which messages on their way do not undo.
    with slot_on_its_way(key, target, source):
        hand_over(nodes, key, source)

    assert cache.set(key, {"version": 3}, 60)

    assert source.ask("GET", key) == '{"version":3}'


def test_slot_on_its_way_to_a_new_node(nodes: RedisNodes, cache: Cache, stack: Stack) -> None:
    """A node that joined after the topology was loaded is used immediately."""
    source = nodes.nodes[1]
    key = nodes.new_key(source)
    assert cache.get(key) is None
    with nodes.joined(RedisNode(free_ports(1)[0], stack.state)) as new:
        with slot_on_its_way(key, source, new):
            assert cache.set(key, {"version": 1}, 60)
            assert new.ask_for_moved("GET", key) == '{"version":1}'
            assert cache.delete(key)
        hand_over(nodes, key, source)


@contextmanager
def slot_on_its_way(key: str, source: RedisNode, target: RedisNode) -> Iterator[None]:
    """Let the slot of ``key`` move: ``source`` redirects requests for a key that it lacks."""
    slot = key_slot(key.encode())
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.name_in_cluster)
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.name_in_cluster)
    yield


def hand_over(nodes: RedisNodes, key: str, owner: RedisNode) -> None:
    """Make ``owner`` the owner of the slot of ``key`` on all nodes."""
    for node in (owner, *nodes.nodes):
        node.ask("CLUSTER", "SETSLOT", key_slot(key.encode()), "NODE", owner.name_in_cluster)


def test_node_without_slots(stack: Stack) -> None:
    """A node that is in no cluster yet counts as an unavailable Redis, until it has its slots."""
    node = RedisNode(free_ports(1)[0], stack.state)
    node.start()
    try:
        cache = cache_of(node)
        assert not cache.set("key", {}, 60)
        assert cache.is_down

        node.own(0, REDIS_CLUSTER_HASH_SLOTS - 1)

        eventually(lambda: cache.set("key", {}, 60))
    finally:
        node.stop()


def test_server_that_is_no_cluster(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong setting counts as an unavailable Redis, and the log gives the reason."""
    server = Redis(free_ports(1)[0], stack.state)
    server.start()
    try:
        cache = Cache(CacheSettings("127.0.0.1", server.port, 60, 60, is_cluster=True))
        assert not cache.set("key", {}, 60)
    finally:
        server.stop()

    assert cache.is_down
    told = [vars(each).get("error", "") for each in caplog.records]
    assert any("cluster support disabled" in each for each in told)


def test_cluster_that_is_taken_for_one_server(
    nodes: RedisNodes, caplog: pytest.LogCaptureFixture
) -> None:
    """The opposite wrong setting is also logged."""
    cache = Cache(CacheSettings("127.0.0.1", nodes.nodes[0].port, 60, 60))

    assert not cache.set(nodes.new_key(nodes.nodes[1]), {}, 60)

    assert any("MovedError" in vars(each).get("error", "") for each in caplog.records)


def test_tls(
    stack: Stack, nodes: RedisNodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every node is reached over TLS, verified by its own name."""
    authority = Authority(tmp_path, "ours")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with ExitStack() as running:
        fronts = []
        for node in nodes.nodes:
            front = TlsFront(node.port, authority.server_context("127.0.0.1"))
            fronts.append(running.enter_context(front))
            running.enter_context(nodes.announced(node, front.port))
        settings = CacheSettings("127.0.0.1", fronts[0].port, 60, 60, is_tls=True, is_cluster=True)
        cache = Cache(settings)

        for node in nodes.nodes:
            key = nodes.new_key(node)
            assert cache.set(key, {"version": 1}, 60)
            assert cache.set_if_newer(key, {"version": 2}, 60)
            assert node.ask("GET", key) == '{"version":2}'

        assert [front.handshakes for front in fronts] == [1, 1, 1]
