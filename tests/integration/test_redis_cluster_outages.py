"""Cluster nodes that are killed, do not respond, or are replaced by their replicas."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from local.stack import Stack
from tests.conftest import set_subscription
from tests.support import admin
from tests.support.functions import Viewer, forget_environment, new_viewer
from tests.support.redis_cluster import RedisNode, RedisNodes, cache_of
from tests.support.waiting import bounded_wait, eventually


@pytest.fixture
def nodes(stack: Stack) -> Iterator[RedisNodes]:
    """Three nodes, each with a third of the slots, and a replica of each."""
    with RedisNodes(stack.state, replicas=True, timeout=2) as nodes:
        yield nodes


@pytest.fixture
def single_nodes(stack: Stack) -> Iterator[RedisNodes]:
    """Three nodes without replicas."""
    with RedisNodes(stack.state, timeout=2) as nodes:
        yield nodes


def viewer_of(stack: Stack, node: RedisNode, monkeypatch: pytest.MonkeyPatch) -> Viewer:
    """Return a new subscriber of functions with the address of ``node``."""
    monkeypatch.setenv("REDIS_CLUSTER", "true")
    monkeypatch.setenv("REDIS_PORT", str(node.port))
    forget_environment()
    viewer = new_viewer(stack.token)
    set_subscription(stack, viewer.user_id, max_streams=1)
    return viewer


def take_over(nodes: RedisNodes, node: RedisNode) -> None:
    """Make the replica of ``node`` primary; the former primary becomes its replica."""
    nodes.replica_of(node).ask("CLUSTER", "FAILOVER")
    nodes.await_replica(node)


def die(nodes: RedisNodes, node: RedisNode) -> None:
    """Kill the node and wait until its replica has taken over."""
    node.kill()
    nodes.await_replica(node)


@contextmanager
def silent(node: RedisNode) -> Iterator[None]:
    """Let the node accept connections without responding."""
    assert node.pid
    os.kill(node.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(node.pid, signal.SIGCONT)


def erase(viewer: Viewer) -> tuple[int, str]:
    """Erase the viewer as an admin; return the status and the code."""
    answer = admin.erase(viewer.user_id)
    return answer.status, answer.json.get("code", "")


@pytest.mark.parametrize("change", [take_over, die])
def test_replica_takes_over(
    nodes: RedisNodes, change: Callable[[RedisNodes, RedisNode], None]
) -> None:
    """The first write after a fail-over is executed by the key's new owner."""
    node = nodes.primaries[0]
    cache = cache_of(node)
    key = nodes.new_key(node)
    assert cache.set(key, {"version": 1}, 60)

    change(nodes, node)

    assert cache.set(key, {"version": 2}, 60)
    replica = nodes.replicas[0]
    assert replica.ask("GET", key) == '{"version":2}'


def test_replica_takes_over_from_a_node_never_reached(nodes: RedisNodes) -> None:
    """The first write to a node that was killed after the topology was loaded also succeeds."""
    node, other = nodes.primaries[:2]
    cache = cache_of(other)
    assert cache.set(nodes.new_key(other), {"version": 1}, 60)

    die(nodes, node)

    assert cache.set(nodes.new_key(node), {"version": 2}, 60)


def test_limit_of_streams_holds_after_a_fail_over(
    stack: Stack,
    environment: dict[str, str],
    nodes: RedisNodes,
    movie_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stream that began before a fail-over counts in the environment that began before it."""
    viewer = viewer_of(stack, nodes.replicas[0], monkeypatch)
    session_id = viewer.start(movie_id).json["session_id"]
    streams = f"streams:{viewer.user_id}"
    owner = nodes.owner(streams)
    replica = nodes.replica_of(owner)
    eventually(lambda: replica.info_of("master_repl_offset") == owner.info_of("master_repl_offset"))
    die(nodes, owner)

    refused = viewer.start(movie_id)
    assert (refused.status, refused.json["code"]) == (429, "stream_limit_reached")

    assert viewer.stop(movie_id, 1, session_id=session_id).status == 200
    assert viewer.start(movie_id).status == 200
    assert viewer.start(movie_id).status == 429


def test_silent_node(nodes: RedisNodes) -> None:
    """A node that stops responding causes one pause; then its replica is used without delay."""
    node, other = nodes.primaries[:2]
    cache = cache_of(node)
    keys = [nodes.new_key(each) for each in (node, other)]
    assert all(cache.set(key, {"version": 1}, 60) for key in keys)
    with silent(node):
        with bounded_wait():
            assert cache.get(keys[0]) is None
        assert cache.is_down

        nodes.await_replica(node)
        eventually(lambda: not cache.is_down)
        assert cache.set(keys[0], {"version": 2}, 60)
        assert cache.set(keys[1], {"version": 2}, 60)


def test_node_is_lost(single_nodes: RedisNodes) -> None:
    """While a third of the slots is missing the cluster is unavailable; it recovers with them."""
    node, other = single_nodes.primaries[:2]
    cache = cache_of(node)
    key = single_nodes.new_key(other)
    assert cache.set(key, {"version": 1}, 60)
    node.kill()
    eventually(lambda: not other.is_well())

    with bounded_wait():
        assert cache.get(key) is None
    assert cache.is_down

    node.start()
    eventually(lambda: cache.get(key) == {"version": 1})


def test_all_nodes_are_down(
    stack: Stack,
    environment: dict[str, str],
    single_nodes: RedisNodes,
    movie_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Playback continues without the cluster, erasure names the failure; both recover."""
    viewer = viewer_of(stack, single_nodes.primaries[0], monkeypatch)
    eventually(lambda: viewer.start(movie_id).status == 200)
    for node in single_nodes.nodes:
        node.kill()

    for _ in ("warm", "cold"):
        with bounded_wait():
            assert viewer.start(movie_id).status == 200
            assert viewer.report(movie_id, 5).status == 200
            assert erase(viewer) == (503, "cache_unavailable")
        forget_environment()

    for node in single_nodes.nodes:
        node.start()
    eventually(lambda: erase(viewer) == (200, ""))
