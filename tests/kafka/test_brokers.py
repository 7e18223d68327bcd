"""Events and the brokers of a real cluster: acknowledged events survive the loss of any one."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from local.stack import Stack
from tests.conftest import Rows, set_subscription
from tests.support.environments import Acknowledged, Fact, play_until
from tests.support.functions import Viewer, event, forget_environment, invoke, new_viewer
from tests.support.kafka import TOPICS, Record, events_of, read_records
from tests.support.kafka_cluster import KafkaCluster
from tests.support.outbox import (
    drain,
    play_through,
    play_until_direct,
    relay,
    waiting,
)
from tests.support.waiting import HUNG_SECONDS, eventually

Play = Callable[[], AbstractContextManager[list[Acknowledged]]]

ENVIRONMENTS = 2
VIEWERS = 6
# Longer than the election of leaders takes for the others.
OUTAGE_SECONDS = 8


@pytest.fixture
def playing(stack: Stack, environment: dict[str, str], movie_id: UUID, tmp_path: Path) -> Play:
    """Plays for many users in several environments; afterwards checks their results."""
    spawn = get_context("spawn")

    @contextmanager
    def play() -> Iterator[list[Acknowledged]]:
        over = tmp_path / "over"
        known: list[Acknowledged] = []
        with ProcessPoolExecutor(ENVIRONMENTS, mp_context=spawn) as environments:
            plays: list[Future[Acknowledged]] = []
            for _ in range(ENVIRONMENTS):
                viewers = [new_viewer(stack.token) for _ in range(VIEWERS)]
                for viewer in viewers:
                    set_subscription(stack, viewer.user_id, is_active=True)
                plays.append(environments.submit(play_until, environment, viewers, movie_id, over))
            try:
                yield known
            finally:
                over.touch()
            known += [each.result() for each in plays]

    return play


def test_events_arrive(cluster: KafkaCluster, viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """Events arrive without the outbox, those of a user in one partition of each topic."""
    plays = play_until_direct(viewer, movie_id, rows)

    records = [
        record
        for record in read_records(cluster.bootstrap_servers)
        if record[2] == str(viewer.user_id)
    ]

    assert len({(topic, partition) for topic, partition, _, _ in records}) == len(TOPICS)
    expect_plays(cluster, viewer, plays)


@pytest.mark.parametrize("role", ["leader", "controller"])
def test_broker_dies(cluster: KafkaCluster, playing: Play, rows: Rows, role: str) -> None:
    """If a broker fails while users play, every call completes in time and no event is lost."""
    with playing() as known:
        await_traffic(cluster, rows)
        node = cluster.controller() if role == "controller" else cluster.leader(TOPICS[1], 0)
        cluster.brokers[node].kill()
        over = time.monotonic() + OUTAGE_SECONDS
        while time.monotonic() < over:
            relay(rows)
            time.sleep(0.2)
        cluster.restore()
    drain(rows)

    expect_nothing_lost(cluster, known)


def test_rolling_restart(cluster: KafkaCluster, playing: Play, rows: Rows) -> None:
    """Brokers that are restarted one after the other, as for an upgrade, affect no call."""
    with playing() as known:
        await_traffic(cluster, rows)
        for broker in cluster.brokers.values():
            broker.stop()
            cluster.restore()
    drain(rows)

    expect_nothing_lost(cluster, known)


def test_too_few_replicas(
    cluster: KafkaCluster, viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """While too few replicas are in sync, no message counts as sent; all are sent later."""
    require_in_sync(cluster, 3)
    try:
        cluster.brokers[3].kill()
        await_replicas(cluster, 2)

        play_through(viewer, movie_id)

        assert waiting(rows, viewer) == list(TOPICS)
    finally:
        require_in_sync(cluster, 2)
    drain(rows)
    expect_plays(cluster, viewer, 1)


def test_majority_dies(cluster: KafkaCluster, viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """With two of three brokers down no message counts as sent, whatever the third accepts."""
    plays = play_until_direct(viewer, movie_id, rows)
    for node in (1, 2):
        cluster.brokers[node].kill()

    for _ in range(3):
        play_through(viewer, movie_id)

    assert waiting(rows, viewer) == [*TOPICS] * 3
    cluster.restore()
    drain(rows)
    expect_plays(cluster, viewer, plays + 3)


def test_environment_survives_a_full_outage(
    cluster: KafkaCluster, viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """The same environment sends again, without a restart, soon after all brokers are back."""
    play_until_direct(viewer, movie_id, rows)
    for broker in cluster.brokers.values():
        broker.kill()
    play_through(viewer, movie_id)
    cluster.restore()

    play_until_direct(viewer, movie_id, rows)


def test_relay_while_the_leader_dies(
    cluster: KafkaCluster, environment: dict[str, str], rows: Rows
) -> None:
    """A long outbox is relayed completely and in order, although its leader fails meanwhile."""
    insert = """
        INSERT INTO event_outbox (event_id, topic, key, value, created_at)
        SELECT gen_random_uuid(), 'stream.progress', 'relayed-' || number % 50,
            '{"number": ' || number || '}', now() - interval '1 minute'
        FROM generate_series(1, 3000) AS number
    """
    rows(insert)
    node = cluster.leader(TOPICS[1], 0)
    forget_environment()
    invoke("housekeeping", event("housekeeping"))
    rows(insert)
    cluster.brokers[node].kill()
    drain(rows)

    numbers: dict[str, list[int]] = {}
    for _, _, key, each in read_records(cluster.bootstrap_servers):
        if key.startswith("relayed-"):
            numbers.setdefault(key, []).append(each["number"])
    assert sorted({number for each in numbers.values() for number in each}) == list(range(1, 3001))


def test_message_too_large(
    cluster: KafkaCluster, viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """Messages too large for the client or a broker move to the dead letters; others arrive."""
    for size in (600_000, 2_000_000):
        rows(
            """
            INSERT INTO event_outbox (event_id, topic, key, value, created_at)
            VALUES (
                gen_random_uuid(), 'stream.progress', :key,
                '{"padding": "' || repeat('x', CAST(:size AS integer)) || '"}',
                now() - interval '1 minute'
            )
            """,
            key=str(viewer.user_id),
            size=size,
        )
    configure(cluster, "stream.progress", "max.message.bytes", "500000")
    play_through(viewer, movie_id)
    drain(rows)
    configure(cluster, "stream.progress", "max.message.bytes", "1048588")

    expect_plays(cluster, viewer, 1)
    buried = "SELECT error FROM event_dead_letters WHERE key = :key"
    assert ["TooLarge" in row["error"] for row in rows(buried, key=str(viewer.user_id))] == [
        True,
        True,
    ]


def await_traffic(cluster: KafkaCluster, rows: Rows) -> None:
    """Wait until events arrive; events delayed by starting brokers are relayed meanwhile."""
    before = len(read_records(cluster.bootstrap_servers))

    def is_flowing() -> bool:
        relay(rows)
        return len(read_records(cluster.bootstrap_servers)) > before + 100

    eventually(is_flowing, seconds=60)


def expect_nothing_lost(cluster: KafkaCluster, known: list[Acknowledged]) -> None:
    """No call has hung, and everything acknowledged is there, in order."""
    assert [refused for each in known for refused in each.refused] == []
    assert max(each.slowest for each in known) < HUNG_SECONDS
    records = read_records(cluster.bootstrap_servers)
    there = {_identity(record) for record in records}
    lost = [each for environment in known for each in environment.facts if each not in there]
    assert lost == []
    assert sum(len(each.facts) for each in known) > 100
    expect_order(records)


def expect_order(records: list[Record]) -> None:
    """The first copies of a session's reports are in the order in which they were made."""
    seen: set[str] = set()
    last: dict[str, int] = {}
    for topic, _, _, each in records:
        if topic == "stream.progress" and each.get("session_id") and each["event_id"] not in seen:
            seen.add(each["event_id"])
            assert last.get(each["session_id"], 0) < each["sequence"], each
            last[each["session_id"]] = each["sequence"]


def expect_plays(cluster: KafkaCluster, viewer: Viewer, plays: int) -> None:
    """The events of this many plays are there, without counting repeats."""
    found = events_of(cluster.bootstrap_servers, viewer.user_id)
    distinct = {
        topic: {each["event_id"] for each in found[topic] if "event_id" in each} for topic in TOPICS
    }
    assert {topic: len(ids) for topic, ids in distinct.items()} == dict.fromkeys(TOPICS, plays)


def _identity(record: Record) -> Fact:
    topic, _, _, each = record
    sequence = each.get("sequence") if topic == "stream.progress" else None
    return topic, str(each.get("session_id")), sequence


def require_in_sync(cluster: KafkaCluster, replicas: int) -> None:
    """Set the number of in-sync replicas that a message requires."""
    for topic in TOPICS:
        configure(cluster, topic, "min.insync.replicas", str(replicas))


def configure(cluster: KafkaCluster, topic: str, name: str, value: str) -> None:
    """Set a setting of a topic."""
    with cluster.admin() as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {name: value})])


def await_replicas(cluster: KafkaCluster, replicas: int) -> None:
    """Wait until every partition has this many replicas in sync, and a leader."""
    with cluster.admin() as admin:

        def has_settled() -> bool:
            try:
                topics = admin.describe_topics(list(TOPICS))
            except KafkaError:
                # The request went to the failed broker.
                return False
            partitions = [partition for topic in topics for partition in topic["partitions"]]
            return all(
                len(p["isr_nodes"]) == replicas and p["leader_id"] in p["isr_nodes"]
                for p in partitions
            )

        eventually(has_settled, seconds=30)
