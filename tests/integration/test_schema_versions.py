"""New code on the old schema, and old code on the new one: a deployment is never all at once."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.repository import migrations
from streaming.repository.database import Database, Row
from tests.conftest import set_subscription
from tests.support.databases import empty_database
from tests.support.functions import ROOT, Viewer, forget_environment
from tests.support.kafka import await_events

MIGRATIONS = ROOT / "migrations"
FIRST = "001_create_tables.sql"

COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, column_default
    FROM information_schema.columns
    WHERE table_schema = current_schema()
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text AS table_name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint
    WHERE connamespace = current_schema()::regnamespace AND contype <> 'n'
"""


@pytest.fixture
def new_database(stack: Stack) -> Iterator[Callable[[], Database]]:
    """Makes empty databases."""
    with ExitStack() as made:

        def make() -> Database:
            database = Database(DatabaseSettings(made.enter_context(empty_database(stack))))
            made.callback(database.close)
            return database

        yield make
        forget_environment()


@pytest.fixture
def old_database(new_database: Callable[[], Database], tmp_path: Path) -> Database:
    """A database as the first version left it."""
    shutil.copy(MIGRATIONS / FIRST, tmp_path)
    database = new_database()
    assert migrations.apply(database, tmp_path) == [FIRST]
    return database


@pytest.fixture
def not_migrated(old_database: Database, viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The functions use that database."""
    settings = old_database._settings
    assert isinstance(settings, DatabaseSettings)
    monkeypatch.setenv("DATABASE_URL", settings.url)
    forget_environment()


def rows(database: Database, statement: str, **values: object) -> list[Row]:
    """Run a statement."""
    return database.run(lambda transaction: transaction.rows(statement, **values))


@pytest.mark.usefixtures("not_migrated")
def test_new_code_plays_on_the_old_schema(stack: Stack, viewer: Viewer, movie_id: UUID) -> None:
    """All calls of a player work before the migrations have run, repeats included."""
    session_id = viewer.start(movie_id).json["session_id"]
    reported = viewer.report(movie_id, 30, session_id=session_id, sequence=1)
    unordered = viewer.report(movie_id, 31)
    found = viewer.progress(movie_id)
    listed = viewer.continue_watching()
    stopped = viewer.stop(movie_id, 32, session_id=session_id, sequence=2)
    again = viewer.stop(movie_id, 33, session_id=session_id, sequence=3)
    late = viewer.report(movie_id, 34, session_id=session_id, sequence=4)
    without_session = viewer.report(movie_id, 35)

    answers = [reported, unordered, found, listed, stopped, again, late, without_session]
    assert [answer.status for answer in answers] == [200] * len(answers)
    assert reported.json["applied"] is True
    assert found.json["position_seconds"] == 31
    assert stopped.json["session_id"] == again.json["session_id"] == session_id
    assert (late.json["applied"], late.json["session_ended"]) == (False, True)
    assert without_session.json["position_seconds"] == 35
    assert viewer.report(movie_id, 36, age_seconds=60).json["applied"] is False
    assert viewer.start(movie_id).json["resume_position_seconds"] == 35
    assert [item["movie_id"] for item in viewer.continue_watching().json["items"]] == [
        str(movie_id)
    ]
    assert viewer.remove(movie_id).status == 204
    assert viewer.continue_watching().json["items"] == []
    bootstrap = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    stops = await_events(bootstrap, viewer.user_id, 1, topic="stream.stop")["stream.stop"]
    assert [event["session_id"] for event in stops] == [session_id]


@pytest.mark.usefixtures("not_migrated")
def test_keys_on_the_old_schema(
    viewer: Viewer, movie_id: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    """An Idempotency-Key is not honoured there, and the log says so; the film starts."""
    assert viewer.start(movie_id, key="one-key").status == 200
    assert "not migrated" in caplog.text
    assert viewer.start(movie_id, key="one-key").status == 200


@pytest.mark.usefixtures("not_migrated")
def test_take_over_on_the_old_schema(
    stack: Stack, viewer: Viewer, movie_id: UUID, old_database: Database
) -> None:
    """Streams are limited and taken over there; only the reason is not on record."""
    set_subscription(stack, viewer.user_id, max_streams=1)
    first = viewer.start(movie_id).json["session_id"]
    assert viewer.start(movie_id).status == 429

    second = viewer.start(movie_id, {"take_over": True})

    assert second.status == 200
    assert viewer.report(movie_id, 9, session_id=first).json["session_ended"] is True
    is_open = "SELECT id FROM stream_sessions WHERE ended_at IS NULL"
    assert [str(row["id"]) for row in rows(old_database, is_open)] == [second.json["session_id"]]
    bootstrap = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    (stop,) = await_events(bootstrap, viewer.user_id, 3)["stream.stop"]
    assert (stop["session_id"], stop["reason"]) == (first, "taken_over")


@pytest.mark.usefixtures("not_migrated")
def test_outbox_on_the_old_schema(
    viewer: Viewer, movie_id: UUID, old_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events that Kafka does not take wait there as ever."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    forget_environment()

    session_id = viewer.start(movie_id).json["session_id"]
    assert viewer.report(movie_id, 30, session_id=session_id).status == 200
    assert viewer.stop(movie_id, 40, session_id=session_id).status == 200

    waiting = rows(old_database, "SELECT topic FROM event_outbox ORDER BY id")
    topics = [row["topic"] for row in waiting]
    assert topics == ["stream.start", "stream.progress", "stream.stop"]


@pytest.mark.usefixtures("not_migrated")
def test_films_are_known_once_migrated(
    viewer: Viewer, movie_id: UUID, old_database: Database
) -> None:
    """What was begun before the migrations is offered after them, and a watched film stays so."""
    other = UUID("018f6a52-3c1e-7d4b-9a60-5b0c2d7e1f02")
    for film in (movie_id, other):
        viewer.start(film)
    viewer.report(movie_id, 30)
    viewer.stop(other, 60)

    migrations.apply(old_database, MIGRATIONS)

    assert [item["movie_id"] for item in viewer.continue_watching().json["items"]] == [
        str(movie_id)
    ]
    assert viewer.report(other, 1).json["applied"] is True
    watched = viewer.progress(other).json
    assert (watched["completed"], watched["times_completed"]) == (True, 0)


def test_new_schema_is_the_old_one_and_more(
    old_database: Database, new_database: Callable[[], Database]
) -> None:
    """What the first version's statements name is still there, and they need name nothing new."""
    migrated = new_database()
    migrations.apply(migrated, MIGRATIONS)
    before = {(row["table_name"], row["column_name"]): row for row in rows(old_database, COLUMNS)}
    after = {(row["table_name"], row["column_name"]): row for row in rows(migrated, COLUMNS)}
    old_tables = {table for table, _ in before}

    assert {place: after.get(place) for place in before} == before
    for place in after.keys() - before.keys():
        column = after[place]
        is_optional = column["is_nullable"] == "YES" or column["column_default"] is not None
        assert place[0] not in old_tables or is_optional, place
    old_rules, new_rules = rows(old_database, CONSTRAINTS), rows(migrated, CONSTRAINTS)
    kept = [rule for rule in new_rules if rule["table_name"] in old_tables]
    assert sorted(map(str, kept)) == sorted(map(str, old_rules))
