"""PostgreSQL is restored from a backup, and Redis flushed, as docs/rare-operations.md says."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.repository import migrations
from streaming.repository.database import Database
from tests.support.databases import copied_database, empty_database
from tests.support.functions import ROOT, Response, Viewer, forget_environment, invoke
from tests.support.kafka import events_of
from tests.support.outbox import relay
from tests.support.redis_of_stack import client_of

MIGRATIONS = ROOT / "migrations"
NOWHERE = "postgresql://somebody@127.0.0.1:9/nowhere?sslmode=disable"
WATCHED_BEFORE = """
    INSERT INTO watch_progress (id, user_id, movie_id, position_seconds)
    VALUES (:id, :user_id, :movie_id, 30)
"""
OTHER_FILM = UUID("018f6a52-3c1e-7d4b-9a60-5b0c2d7e1f02")


class Backups:
    """A separate database that is backed up, changed, and restored."""

    def __init__(self, stack: Stack, made: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stack = stack
        self._made = made
        self._monkeypatch = monkeypatch
        self._url = made.enter_context(empty_database(stack))
        self._use(self._url)

    def migrate(self, folder: Path) -> None:
        """Apply the migrations of a folder."""
        database = Database(DatabaseSettings(self._url))
        migrations.apply(database, folder)
        database.close()

    def back_up(self) -> None:
        """Back up the database."""
        forget_environment()
        self._copy = self._made.enter_context(copied_database(self._stack, self._url))

    def restore(self) -> None:
        """Restore the backup, and use new environments."""
        self._use(self._copy)

    def flush_redis(self) -> None:
        """Empty Redis."""
        with client_of(self._stack) as redis:
            redis.flushall()

    def without_postgresql(self, call: Callable[[], Response]) -> Response:
        """Call a function while PostgreSQL is unavailable."""
        database = self._used
        self._use(NOWHERE)
        response = call()
        self._use(database)
        return response

    def run(self, statement: str, **values: object) -> list[dict[str, object]]:
        """Run a statement in the current database."""
        database = Database(DatabaseSettings(self._used))
        try:
            return database.run(lambda transaction: transaction.rows(statement, **values))
        finally:
            database.close()

    def _use(self, url: str) -> None:
        self._used = url
        self._monkeypatch.setenv("DATABASE_URL", url)
        forget_environment()


@pytest.fixture
def backups(stack: Stack, viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backups]:
    """An empty database that can be backed up, which the functions use."""
    with ExitStack() as made:
        yield Backups(stack, made, monkeypatch)
        forget_environment()


def test_viewers_go_on_from_the_backup(backups: Backups, viewer: Viewer, movie_id: UUID) -> None:
    """Positions are those of the backup; sessions in it continue, later ones start again."""
    backups.migrate(MIGRATIONS)
    kept = viewer.start(movie_id).json["session_id"]
    viewer.report(movie_id, 30, session_id=kept, sequence=1)
    backups.back_up()
    viewer.report(movie_id, 40, session_id=kept, sequence=2)
    viewer.stop(movie_id, 41, session_id=kept, sequence=3)
    lost = viewer.start(OTHER_FILM).json["session_id"]
    viewer.report(OTHER_FILM, 20, session_id=lost, sequence=1)

    backups.restore()
    backups.flush_redis()

    assert viewer.progress(movie_id).json["position_seconds"] == 30
    assert viewer.progress(OTHER_FILM).json["code"] == "progress_not_found"
    unknown = viewer.report(OTHER_FILM, 21, session_id=lost, sequence=2)
    assert (unknown.status, unknown.json["code"]) == (404, "session_not_found")
    assert viewer.start(OTHER_FILM).status == 200
    known = viewer.report(movie_id, 50, session_id=kept, sequence=4)
    assert (known.status, known.json["applied"]) == (200, True)
    assert viewer.progress(movie_id).json["position_seconds"] == 50


def test_redis_is_flushed(backups: Backups, viewer: Viewer, movie_id: UUID) -> None:
    """Before the flush, while PostgreSQL is unavailable, Redis has newer data than the backup."""
    backups.migrate(MIGRATIONS)
    viewer.report(movie_id, 10)
    backups.back_up()
    for position in (20, 21, 22, 23):
        viewer.report(movie_id, position)

    backups.restore()
    viewer.report(movie_id, 15)
    stale = backups.without_postgresql(lambda: viewer.progress(movie_id))
    backups.flush_redis()
    viewer.report(movie_id, 16)
    fresh = backups.without_postgresql(lambda: viewer.progress(movie_id))

    assert stale.json["position_seconds"] == 23
    assert fresh.json["position_seconds"] == 16


def test_events_that_waited_are_sent_again_as_the_same(
    backups: Backups,
    stack: Stack,
    viewer: Viewer,
    movie_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A restored outbox sends events that were sent since, under the same ``event_id``."""
    backups.migrate(MIGRATIONS)
    servers = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    forget_environment()
    viewer.report(movie_id, 30)
    backups.back_up()
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", servers)
    forget_environment()
    relay(backups.run)
    (sent,) = events_of(servers, viewer.user_id)["stream.progress"]

    backups.restore()
    relay(backups.run)

    assert events_of(servers, viewer.user_id)["stream.progress"] == [sent, sent]
    assert backups.run("SELECT 1 AS one FROM event_outbox") == []


def test_backup_of_an_older_schema_is_migrated(
    backups: Backups,
    viewer: Viewer,
    movie_id: UUID,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Migrate, invoked manually, migrates a backup from before a deployment."""
    shutil.copy(MIGRATIONS / "001_create_tables.sql", tmp_path)
    backups.migrate(tmp_path)
    backups.run(WATCHED_BEFORE, id=uuid4(), user_id=viewer.user_id, movie_id=movie_id)
    backups.back_up()
    backups.migrate(MIGRATIONS)

    backups.restore()
    backups.flush_redis()
    monkeypatch.setenv("MIGRATIONS_DIRECTORY", str(MIGRATIONS))
    applied = invoke("migrate", {})["applied"]

    assert applied == sorted(path.name for path in MIGRATIONS.glob("*.sql"))[1:]
    assert viewer.progress(movie_id).json["position_seconds"] == 30
    assert viewer.start(movie_id, key="a-key").status == 200
