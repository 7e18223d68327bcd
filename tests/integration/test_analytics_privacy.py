"""Erasing a user, and the retention of what was watched."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from local.stack import Stack
from streaming.domain.errors import DatabaseUnavailable
from streaming.repository.analytics.personal_data import OldViewing
from streaming.repository.analytics.rebuild import Rebuild
from streaming.repository.analytics.record import ViewingRecord
from streaming.repository.database import Database
from streaming.repository.personal_data import PersonalData
from streaming.repository.transaction import Row
from streaming.usecases.record_viewing import RecordViewing
from tests.support.viewing_database import compare, viewing_database
from tests.support.viewing_tables import Tables
from tests.support.viewing_traffic import BEGIN, batches, record, traffic

WITH_USERS = (
    "analytics_sessions",
    "analytics_viewer_days",
    "analytics_viewers",
    "analytics_dead_letters",
)


@pytest.fixture
def database(stack: Stack) -> Iterator[Database]:
    """An empty database with all tables."""
    with viewing_database(stack) as opened:
        yield opened


def rows_of(database: Database, user_id: UUID) -> dict[str, int]:
    """Return how many rows of each table have the user."""
    return {
        table: len(
            database.run(
                lambda transaction, table=table: transaction.rows(  # type: ignore[misc]
                    f"SELECT 1 FROM {table} WHERE user_id = :user_id", user_id=user_id
                )
            )
        )
        for table in WITH_USERS
    }


def keep_copies(_: object) -> None:
    """There are no copies in Redis."""


def test_erasure_takes_the_user_out_and_keeps_the_figures(database: Database) -> None:
    """No row names an erased user, also after later and repeated events; no figure changes."""
    made = traffic(1000, viewers=3, sittings=10)
    user_id = UUID(made.values[0]["user_id"])
    delivered = batches(made.records(), random.Random(1))
    poison = {"user_id": str(user_id), "action": "unknown"}
    record_viewing = RecordViewing(ViewingRecord(database))
    half = len(delivered) // 2
    for batch in delivered[:half]:
        record_viewing(batch)
    text = json.dumps(poison).encode()
    record_viewing([record("stream.stop", 7, 0, text, BEGIN)])
    others = {UUID(value["user_id"]) for value in made.values} - {user_id}

    PersonalData(database).erase(user_id, keep_copies)

    assert set(rows_of(database, user_id).values()) == {0}
    assert all(rows_of(database, other)["analytics_sessions"] for other in others)
    for batch in delivered:
        record_viewing(batch)
    compare(database, made.values)
    PersonalData(database).erase(user_id, keep_copies)
    assert set(rows_of(database, user_id).values()) == {0}
    compare(database, made.values)


def test_counting_again_names_no_erased_user(database: Database) -> None:
    """From the start of the topics all figures are the same, and erased users stay erased."""
    made = traffic(1100, viewers=3, sittings=8)
    user_id = UUID(made.values[0]["user_id"])
    RecordViewing(ViewingRecord(database))(made.records())
    PersonalData(database).erase(user_id, keep_copies)
    rebuild_id = uuid4()
    rebuild = Rebuild(database, rebuild_id)

    rebuild.begin()
    assert Tables(database).days() == []
    for batch in batches(made.records(), random.Random(2)):
        RecordViewing(ViewingRecord(database, rebuild_id))(batch)
    rebuild.end()

    compare(database, made.values)
    assert rows_of(database, user_id)["analytics_sessions"] == 0


def test_no_month_is_deleted_during_a_rebuild(database: Database) -> None:
    """Old months are deleted after the rebuild that counts their events, which counts them all."""
    made = traffic(1700, viewers=3, sittings=8)
    rebuild_id = uuid4()
    rebuild, old = Rebuild(database, rebuild_id), OldViewing(database)
    later = datetime(2027, 1, 1, tzinfo=UTC)

    rebuild.begin()
    for batch in batches(made.records(), random.Random(3)):
        RecordViewing(ViewingRecord(database, rebuild_id))(batch)
        old.forget(later, 10)
    rebuild.end()

    compare(database, made.values)
    before = Tables(database).days()
    old.forget(later, 10)
    assert database.query("SELECT count(*) AS count FROM analytics_events") == [{"count": 0}]
    assert Tables(database).days() == before


def test_the_consumer_waits_for_a_rebuild(database: Database) -> None:
    """During a rebuild Lambda's batches fail, so that none is lost; afterwards they count."""
    made = traffic(1200, viewers=2, sittings=3)
    consumer = RecordViewing(ViewingRecord(database))
    first, second = Rebuild(database, uuid4()), Rebuild(database, uuid4())

    first.begin()
    with pytest.raises(DatabaseUnavailable):
        consumer(made.records())
    second.begin()
    first.end()
    with pytest.raises(DatabaseUnavailable):
        consumer(made.records())
    second.end()
    consumer(made.records())

    compare(database, made.values)


def test_months_are_deleted_after_the_retention(database: Database) -> None:
    """Whole months of events and sessions are deleted; their figures stay as they are."""
    made = traffic(1300, viewers=4, sittings=20)
    record_viewing = RecordViewing(ViewingRecord(database))
    record_viewing(made.records())
    before = Tables(database).days(), Tables(database).curves()
    old = OldViewing(database)

    def sessions() -> list[Row]:
        return database.run(
            lambda transaction: transaction.rows(
                "SELECT session_id FROM analytics_sessions ORDER BY session_id"
            )
        )

    everything = sessions()
    old.forget(datetime(2026, 10, 31, tzinfo=UTC), 10)
    assert sessions() == everything
    old.forget(datetime(2026, 11, 1, tzinfo=UTC), 10)
    november = sessions()
    assert 0 < len(november) < len(everything)
    old.forget(datetime(2027, 1, 1, tzinfo=UTC), 10)
    assert sessions() == []

    assert (Tables(database).days(), Tables(database).curves()) == before
    again = record_viewing(made.records())
    assert again.events == 0
    assert (Tables(database).days(), Tables(database).curves()) == before


def test_old_dead_letters_are_deleted(database: Database) -> None:
    """Dead letters are kept for the retention period."""
    record_viewing = RecordViewing(ViewingRecord(database))
    record_viewing([record("stream.stop", 0, offset, b"?", BEGIN) for offset in range(5)])
    old = OldViewing(database)
    now = datetime.now(UTC)

    assert old.forget(now - timedelta(days=1), 3) == 0
    assert old.forget(now + timedelta(days=1), 3) == 3
    assert old.forget(now + timedelta(days=1), 3) == 2
