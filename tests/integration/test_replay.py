"""Counting all events in Kafka again."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, TopicPartition

from local.stack import Stack
from streaming.events.records import KafkaRecord
from streaming.repository.analytics.record import ViewingRecord
from streaming.repository.database import Database
from streaming.usecases.record_viewing import RecordViewing
from tests.support.kafka import publish
from tests.support.viewing_database import compare, viewing_database
from tests.support.viewing_tables import Tables
from tests.support.viewing_traffic import Traffic, traffic
from tools.replay import ACTIONS, ReplayError, replay
from tools.replay_losses import losses


@pytest.fixture
def database(stack: Stack) -> Iterator[Database]:
    """An empty database with all tables."""
    with viewing_database(stack) as opened:
        yield opened


def publish_to(stack: Stack, prefix: str, made: Traffic) -> list[KafkaRecord]:
    """Send all records to topics of their own; return them."""
    servers = f"127.0.0.1:{stack.ports.kafka_port}"
    admin = KafkaAdminClient(bootstrap_servers=servers)
    options = {"num_partitions": 2, "replication_factor": 1}
    admin.create_topics({f"{prefix}.{action}": options for action in ACTIONS})
    admin.close()
    records = [in_topic_of(prefix, each) for each in made.records()]
    publish(servers, records)
    return records


def in_topic_of(prefix: str, record: KafkaRecord) -> KafkaRecord:
    """Return the record in the topic with that prefix."""
    return replace(record, topic=f"{prefix}.{record.topic.partition('.')[2]}")


@pytest.fixture
def prefix() -> str:
    """The prefix of topics of their own."""
    return f"replayed{uuid4().hex[:8]}"


@pytest.fixture
def variables(stack: Stack, database: Database, prefix: str) -> dict[str, str]:
    """The variables of functions that use the topics and the database."""
    name = database.run(lambda transaction: transaction.row("SELECT current_database() AS name"))
    assert name is not None
    url = stack.environment["DATABASE_URL"].rpartition("/")[0] + f"/{name['name']}"
    return {**stack.environment, "DATABASE_URL": url, "KAFKA_TOPIC_PREFIX": prefix}


def test_replay_of_kafka(
    stack: Stack, database: Database, prefix: str, variables: dict[str, str]
) -> None:
    """The command counts all records of the topics, whatever was counted before."""
    made = traffic(1400, viewers=4, sittings=10)
    publish_to(stack, prefix, made)
    RecordViewing(ViewingRecord(database))(traffic(1500, viewers=2, sittings=3).records())

    counted, letters = replay(variables, lossy=False)

    assert counted >= len(made.values)
    assert letters == 0
    compare(database, made.values)


def test_replay_reads_the_last_batch_wholly(
    stack: Stack, database: Database, prefix: str, variables: dict[str, str]
) -> None:
    """What was counted of the topics is counted again to the last record, and not refused."""
    made = traffic(1450, viewers=4, sittings=10)
    records = publish_to(stack, prefix, made)
    RecordViewing(ViewingRecord(database))(records)
    ends = Counter((each.topic, each.partition) for each in records)

    replay(variables, lossy=False)

    rows = database.query("SELECT topic, partition, next_offset FROM analytics_offsets")
    assert {(row["topic"], row["partition"]): row["next_offset"] for row in rows} == ends
    compare(database, made.values)


def counted_before(database: Database, made: Traffic, prefix: str, *, later: int = 0) -> None:
    """Count records of topics that had ``later`` more records before each."""
    RecordViewing(ViewingRecord(database))(
        replace(in_topic_of(prefix, each), offset=each.offset + later) for each in made.records()
    )


def test_replay_keeps_sessions_that_kafka_has_lost(
    stack: Stack, database: Database, prefix: str, variables: dict[str, str]
) -> None:
    """A restarted broker has new topics, with less than the figures: nothing is deleted."""
    lost, left = traffic(1700, viewers=4, sittings=8), traffic(1800, viewers=4, sittings=20)
    counted_before(database, lost, prefix)
    publish_to(stack, prefix, left)
    counted_before(database, left, prefix)
    before = Tables(database).days()

    with pytest.raises(ReplayError, match=r"\.start has \d+ records, and \d+ starts were counted"):
        replay(variables, lossy=False)

    assert Tables(database).days() == before
    replay(variables, lossy=True)
    compare(database, left.values)


def test_replay_keeps_records_after_the_end_of_a_topic(
    stack: Stack, database: Database, prefix: str, variables: dict[str, str]
) -> None:
    """If a partition ends before what was counted of it, nothing is deleted."""
    made = traffic(1900, viewers=2, sittings=4)
    publish_to(stack, prefix, made)
    counted_before(database, made, prefix, later=1000)
    before = Tables(database).days()

    with pytest.raises(ReplayError, match=r"-\d ends at offset \d+, and was counted up to 1\d{3}"):
        replay(variables, lossy=False)

    assert Tables(database).days() == before


def test_replay_keeps_what_was_counted_of_deleted_records(database: Database) -> None:
    """Records that Kafka has deleted after its retention are a reason, too."""
    start = TopicPartition("stream.start", 0)
    assert list(losses(database, {start: 5}, {start: 9}, "stream.start")) == [
        "Kafka has deleted the first records of stream.start-0"
    ]
    assert list(losses(database, {start: 0}, {start: 9}, "stream.start")) == []


@pytest.mark.usefixtures("leftovers_collected")
def test_replay_without_kafka_deletes_nothing(database: Database) -> None:
    """If Kafka does not answer, the figures stay."""
    RecordViewing(ViewingRecord(database))(traffic(1600, viewers=2, sittings=3).records())
    before = Tables(database).days()
    environment = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "ENVIRONMENT": "local"}

    with pytest.raises(ReplayError):
        replay({**environment, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, lossy=False)

    assert Tables(database).days() == before
