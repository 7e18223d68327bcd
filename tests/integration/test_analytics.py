"""The figures of what was watched equal an independent computation from all events."""

import base64
import json
import random
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.domain.errors import DatabaseUnavailable
from streaming.events.records import KafkaRecord
from streaming.repository.analytics.record import ViewingRecord
from streaming.repository.database import Database
from streaming.repository.transaction import Row, Transaction
from streaming.usecases.record_viewing import RecordViewing
from tests.support.viewing_database import compare, viewing_database
from tests.support.viewing_tables import Tables
from tests.support.viewing_traffic import BEGIN, Value, batches, record, traffic

FIGURES = {
    "sessions",
    "abandoned_sessions",
    "views",
    "viewer_days",
    "measured_viewer_days",
    "completions",
    "seen_hundredths",
    "watched_ms",
}


@pytest.fixture
def database(stack: Stack) -> Iterator[Database]:
    """An empty database with all tables."""
    with viewing_database(stack) as opened:
        yield opened


@pytest.mark.parametrize("seed", range(4))
def test_figures_equal_the_computation(database: Database, seed: int) -> None:
    """Seeks, pauses, reloads, repeats and late events, in any order of partitions and batches."""
    made = traffic(seed)
    record_viewing = RecordViewing(ViewingRecord(database))

    for batch in batches(made.records(altered=True), random.Random(seed)):
        record_viewing(batch)

    compare(database, made.values)
    assert {name for _, _, name, _ in Tables(database).days()} == FIGURES


def test_the_order_of_all_events_does_not_matter(database: Database) -> None:
    """Events in random order, one or a few at a time, give the same figures."""
    made = traffic(100, viewers=3, sittings=5)
    records = made.records()
    random.Random(1).shuffle(records)
    record_viewing = RecordViewing(ViewingRecord(database))

    for start in range(0, len(records), 7):
        record_viewing(records[start : start + 7])

    compare(database, made.values)


class Crash(Exception):
    """The consumer ends."""


def test_crashes_between_any_two_statements(database: Database) -> None:
    """A consumer that ends after any statement of a batch, and repeats it, counts once."""
    made = traffic(200, viewers=4, sittings=8)
    delivered = batches(made.records(), random.Random(2), most=200)
    statements = Transaction.rows
    crashes = 0

    for batch in delivered:
        for allowed in range(100):
            left = allowed

            def rows(transaction: Transaction, statement: str, **values: Any) -> list[Row]:
                nonlocal left
                if left == 0:
                    raise Crash
                left -= 1
                return statements(transaction, statement, **values)

            record_viewing = RecordViewing(ViewingRecord(database))
            try:
                with patch.object(Transaction, "rows", rows):
                    record_viewing(batch)
            except Crash:
                crashes += 1
            else:
                break

    assert crashes > 5 * len(delivered)
    compare(database, made.values)


def test_the_whole_topic_again_changes_nothing(database: Database) -> None:
    """All records a second time, in other batches, change no row."""
    made = traffic(300)
    record_viewing = RecordViewing(ViewingRecord(database))
    record_viewing(made.records())
    before = Tables(database)
    first = (before.days(), before.curves(), before.breakdown(), before.minutes())

    for batch in batches(made.records(), random.Random(3)):
        record_viewing(batch)

    after = Tables(database)
    assert (after.days(), after.curves(), after.breakdown(), after.minutes()) == first
    compare(database, made.values)


def poison() -> dict[str, bytes]:
    """Return values that cannot be counted, by the reason."""
    good = {
        "event_id": str(uuid4()),
        "user_id": str(uuid4()),
        "movie_id": str(uuid4()),
        "action": "stream_progress",
        "timestamp": "2026-10-30T22:00:00Z",
        "position_seconds": 5,
    }

    def but(**changes: Any) -> bytes:
        return json.dumps({**good, **changes}).encode()

    return {
        "the value is not JSON": b"\x00\xff{",
        "the value is not a JSON object": b"[]",
        "the value is larger than 65536 bytes": but(padding="x" * 70_000),
        "user_id is not a UUID": but(user_id="'; DROP TABLE films; --"),
        "movie_id is not a UUID": but(movie_id=7),
        "movie_id is no film's": but(movie_id="00000000-0000-0000-0000-000000000000"),
        "event_id is not a UUID": but(event_id=None),
        "action is unknown": but(action="order_paid"),
        "timestamp is not text": but(timestamp=5),
        "timestamp is not a time of ISO 8601": but(timestamp="yesterday"),
        "timestamp is in the future": but(timestamp="2027-10-30T22:00:00Z"),
        "timestamp is too old": but(timestamp="2026-08-30T22:00:00Z"),
        "age_seconds is not allowed": but(age_seconds=-1),
        "position_seconds is not a number of whole seconds": but(position_seconds=1e300),
        "session_id is no UUIDv7 of the event's time": but(session_id=str(uuid4())),
    }


def test_poison_becomes_dead_letters(database: Database) -> None:
    """Records that cannot be counted are kept with their reasons, once; the others are counted."""
    made = traffic(400, viewers=2, sittings=3)
    values = poison()
    letters = [
        record("stream.progress", 9, offset, value, BEGIN + timedelta(hours=1))
        for offset, value in enumerate(values.values())
    ]
    mixed = [*made.records(), *letters]
    random.Random(4).shuffle(mixed)
    record_viewing = RecordViewing(ViewingRecord(database))

    for _ in range(2):
        assert record_viewing(mixed).dead_letters == len(values)

    compare(database, made.values)
    kept = database.run(
        lambda transaction: transaction.rows(
            'SELECT reason, value FROM analytics_dead_letters ORDER BY "offset"'
        )
    )
    assert [row["reason"] for row in kept] == list(values)
    assert [row["value"] for row in kept] == [value[:4096] for value in values.values()]


def test_events_of_another_user_are_refused(database: Database) -> None:
    """An event that names another user's session counts for neither of them."""
    made = traffic(500, viewers=2, sittings=3)
    foreign = {
        **next(value for value in made.values if value["session_id"]),
        "event_id": str(uuid4()),
        "user_id": str(uuid4()),
    }
    record_viewing = RecordViewing(ViewingRecord(database))
    record_viewing(made.records())

    text = json.dumps(foreign).encode()
    result = record_viewing([record("stream.start", 8, 0, text, BEGIN + timedelta(days=1))])

    assert (result.events, result.dead_letters) == (0, 1)
    compare(database, made.values)


def test_what_postgresql_rejects_is_found(database: Database) -> None:
    """A value that only the database rejects does not stop the events around it."""
    made = traffic(600, viewers=2, sittings=3)
    records = made.records()
    database.run(
        lambda transaction: transaction.rows(
            "ALTER TABLE analytics_events ADD CONSTRAINT odd CHECK (position_seconds <> 77)"
        )
    )
    odd = {
        "event_id": str(uuid4()),
        "user_id": str(uuid4()),
        "movie_id": str(uuid4()),
        "action": "stream_progress",
        "timestamp": "2026-10-30T22:00:00Z",
        "position_seconds": 77,
    }
    rejected = record("stream.progress", 9, 0, json.dumps(odd).encode(), BEGIN + timedelta(hours=1))
    valid = [value for value in made.values if value["position_seconds"] != 77]
    counted = [each for each in records if json_of(each)["position_seconds"] != 77]

    result = RecordViewing(ViewingRecord(database))([*counted[:9], rejected, *counted[9:]])

    assert result.dead_letters == 1
    compare(database, valid)


def json_of(each: KafkaRecord) -> Value:
    """Return the value of a record."""
    value: Value = json.loads(base64.b64decode(each.value or ""))
    return value


def test_offsets_are_saved_with_the_batch(database: Database) -> None:
    """After a batch the next offset of each of its partitions is saved; a repeat keeps it."""
    made = traffic(700, viewers=3, sittings=3)
    records = made.records()
    expected: dict[tuple[str, int], int] = {}
    for each in records:
        expected[each.topic, each.partition] = each.offset + 1
    record_viewing = RecordViewing(ViewingRecord(database))

    record_viewing(records)
    record_viewing(records[:10])

    found = database.run(
        lambda transaction: transaction.rows(
            "SELECT topic, partition, next_offset FROM analytics_offsets"
        )
    )
    assert {(row["topic"], row["partition"]): row["next_offset"] for row in found} == expected


def test_no_database_no_loss(database: Database) -> None:
    """Without PostgreSQL the batch fails; later it counts as if nothing had happened."""
    made = traffic(800, viewers=2, sittings=3)
    away = Database(DatabaseSettings("postgresql://nobody@127.0.0.1:1/none"))
    with closing(away), pytest.raises(DatabaseUnavailable):
        RecordViewing(ViewingRecord(away))(made.records())

    RecordViewing(ViewingRecord(database))(made.records())

    compare(database, made.values)
