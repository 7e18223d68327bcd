"""The previous version works with the new schema: migrations run before functions change."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pg8000.native
import pytest

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.repository import migrations
from streaming.repository.database import Database
from streaming.repository.transaction import Row
from tests.support.databases import empty_database
from tests.support.functions import ROOT, Viewer, forget_environment

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

PREPARATION = (
    "CREATE INDEX CONCURRENTLY stream_sessions_open_id ON stream_sessions (id)"
    " WHERE ended_at IS NULL"
)
FILE_OF_INDEX = """
    SELECT pg_relation_filenode(CAST('stream_sessions_open_id' AS regclass)) AS file
"""

# A film of sixty seconds, and the watched part of it.
WATCHED_BY_THE_FIRST_VERSION = """
    WITH ended AS (
        INSERT INTO stream_sessions (
            id, user_id, movie_id, manifest_type, film_duration_seconds,
            started_at, last_heartbeat_at, ended_at, duration_seconds
        )
        VALUES (:id, :user_id, :movie_id, 'hls', 60, now(), now(), now(), 0)
    )
    INSERT INTO watch_progress (
        id, user_id, movie_id, position_seconds, duration_seconds, completed
    )
    VALUES (
        :id, :user_id, :movie_id, CAST(:position AS integer), 60,
        CAST(:position AS integer) = 60
    )
"""


@pytest.fixture
def new_database(stack: Stack) -> Iterator[Callable[[], str]]:
    """Makes empty databases; returns the URL of each."""
    with ExitStack() as made:
        yield lambda: made.enter_context(empty_database(stack))
        forget_environment()


@pytest.fixture
def old_database(new_database: Callable[[], str], tmp_path: Path) -> str:
    """The URL of a database with the first version's tables."""
    shutil.copy(MIGRATIONS / FIRST, tmp_path)
    url = new_database()
    assert migrate(url, tmp_path) == [FIRST]
    return url


def migrate(url: str, folder: Path) -> list[str]:
    """Apply the migrations of a folder; return their names."""
    with closing(Database(DatabaseSettings(url))) as database:
        return migrations.apply(database, folder)


def connection(url: str) -> pg8000.native.Connection:
    """Return a connection that runs statements outside transactions."""
    parts = urlsplit(url)
    assert parts.username is not None
    return pg8000.native.Connection(
        parts.username,
        host=str(parts.hostname),
        port=parts.port or 5432,
        database=parts.path.removeprefix("/"),
        password=parts.password,
    )


def rows(url: str, statement: str, **values: object) -> list[Row]:
    """Run a statement."""
    with closing(Database(DatabaseSettings(url))) as database:
        return database.run(lambda transaction: transaction.rows(statement, **values))


def test_films_are_known_once_migrated(
    viewer: Viewer, movie_id: UUID, old_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Films started before the migrations are listed after them, completed films stay completed."""
    other = UUID("018f6a52-3c1e-7d4b-9a60-5b0c2d7e1f02")
    for film, position in ((movie_id, 30), (other, 60)):
        watched = {"id": uuid4(), "user_id": viewer.user_id, "movie_id": film}
        rows(old_database, WATCHED_BY_THE_FIRST_VERSION, **watched, position=position)

    migrate(old_database, MIGRATIONS)
    monkeypatch.setenv("DATABASE_URL", old_database)
    forget_environment()

    assert [item["movie_id"] for item in viewer.continue_watching().json["items"]] == [
        str(movie_id)
    ]
    assert viewer.report(other, 1).json["applied"] is True
    watched_again = viewer.progress(other).json
    assert (watched_again["completed"], watched_again["times_completed"]) == (True, 0)


@pytest.fixture
def prepared_database(new_database: Callable[[], str], tmp_path: Path) -> str:
    """The URL of a database before migration 008, with its index, as docs/deploy.md describes."""
    for file in MIGRATIONS.glob("00[1-7]_*.sql"):
        shutil.copy(file, tmp_path)
    url = new_database()
    migrate(url, tmp_path)
    with closing(connection(url)) as connected:
        connected.run(PREPARATION)
    return url


def test_an_index_that_was_built_beforehand_is_kept(prepared_database: str) -> None:
    """The migration does not build the index of open sessions again."""
    before = rows(prepared_database, FILE_OF_INDEX)

    migrate(prepared_database, MIGRATIONS)

    assert rows(prepared_database, FILE_OF_INDEX) == before


def test_an_index_that_was_not_built_to_its_end_is_refused(
    stack: Stack, prepared_database: str
) -> None:
    """The migration fails, and says what to do, if the index was left without all rows."""
    name = urlsplit(prepared_database).path.removeprefix("/")
    with closing(stack.postgres.connect_as_administrator(name)) as administrator:
        administrator.run(
            "UPDATE pg_index SET indisvalid = false"
            " WHERE indexrelid = 'stream_sessions_open_id'::regclass"
        )

    with pytest.raises(pg8000.native.DatabaseError, match="DROP INDEX CONCURRENTLY"):
        migrate(prepared_database, MIGRATIONS)


def test_new_schema_is_the_old_one_and_more(
    old_database: str, new_database: Callable[[], str]
) -> None:
    """Columns in the first version's statements still exist, and new ones have defaults."""
    migrated = new_database()
    migrate(migrated, MIGRATIONS)
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
