"""Erasing a user: in every table, in Redis, and permanently."""

import threading
from uuid import UUID, uuid4

import pytest
from redis import Redis

from local.stack import Stack
from streaming.cache.client import Cache
from streaming.cache.progress import ProgressCache
from streaming.config.cache import CacheSettings
from streaming.config.database import DatabaseSettings
from streaming.events.event import Message
from streaming.repository.database import Database
from streaming.repository.outbox_inserts import insert
from streaming.repository.progress import ProgressRecord
from streaming.repository.transaction import Transaction
from tests.conftest import Rows, set_subscription
from tests.support.admin import erase
from tests.support.functions import (
    Viewer,
    forget_environment,
    new_viewer,
)

pytestmark = pytest.mark.own_servers

TABLES = {
    "watch_progress": "user_id = CAST(:user_id AS uuid)",
    "stream_sessions": "user_id = CAST(:user_id AS uuid)",
    "event_outbox": "key = :user_id",
    "event_dead_letters": "key = :user_id",
    "idempotency_keys": "user_id = CAST(:user_id AS uuid)",
}


def known(rows: Rows, user_id: UUID) -> dict[str, int]:
    """Return the number of the user's rows in each table."""
    return {
        table: len(rows(f"SELECT 1 FROM {table} WHERE {condition}", user_id=str(user_id)))
        for table, condition in TABLES.items()
    }


def watch(viewer: Viewer, movie_id: UUID, redis: Redis, rows: Rows) -> None:
    """Create data in every table and key."""
    session_id = viewer.start(movie_id, key=str(uuid4())).json["session_id"]
    viewer.report(movie_id, 25, session_id=session_id, sequence=1)
    viewer.report(uuid4(), 30)
    redis.hset(f"streams:{viewer.user_id}", session_id, "1")
    redis.set(f"subscription:grace:{viewer.user_id}", "{}", ex=900)
    insert = "INSERT INTO event_outbox (event_id, topic, key, value) VALUES (:id, 'x', :key, '{}')"
    rows(insert, id=uuid4(), key=str(viewer.user_id))
    bury = """
        INSERT INTO event_dead_letters (event_id, topic, key, value, created_at, attempts, error)
        VALUES (:id, 'x', :key, '{}', now(), 1, 'refused')
    """
    rows(bury, id=uuid4(), key=str(viewer.user_id))


def test_nothing_is_left(
    stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows, redis: Redis
) -> None:
    """The user's data are deleted from every table and key, other users' are not."""
    other = new_viewer(stack.token)
    set_subscription(stack, other.user_id)
    for each in (viewer, other):
        watch(each, movie_id, redis, rows)
    before = known(rows, other.user_id)

    answer = erase(viewer.user_id)

    assert answer.status == 200
    assert answer.json == {
        "success": True,
        "user_id": str(viewer.user_id),
        "positions": 2,
        "sessions": 1,
        "events": 2,
    }
    assert set(known(rows, viewer.user_id).values()) == {0}
    kept = list(redis.scan_iter(f"*{viewer.user_id}*"))
    assert all("position_seconds" not in str(redis.get(key)) for key in kept)
    assert all(0 < redis.ttl(key) <= 60 for key in kept)
    assert known(rows, other.user_id) == before
    assert all(before.values())
    assert other.progress(movie_id).json["position_seconds"] == 25
    assert viewer.progress(movie_id).status == 404
    assert viewer.continue_watching().json["items"] == []


def test_again_finds_nothing(viewer: Viewer, movie_id: UUID, rows: Rows, redis: Redis) -> None:
    """Erasing a user twice, or an unknown one, succeeds and counts nothing."""
    watch(viewer, movie_id, redis, rows)
    erase(viewer.user_id)

    for user_id in (viewer.user_id, uuid4()):
        answer = erase(user_id)
        assert answer.status == 200
        assert (answer.json["positions"], answer.json["sessions"], answer.json["events"]) == (
            0,
        ) * 3


def test_user_may_come_back(viewer: Viewer, movie_id: UUID, rows: Rows, redis: Redis) -> None:
    """An erased user who returns starts from the beginning, and is stored again."""
    watch(viewer, movie_id, redis, rows)
    erase(viewer.user_id)

    assert viewer.start(movie_id).json["resume_position_seconds"] == 0
    viewer.report(movie_id, 7)

    assert viewer.progress(movie_id).json["position_seconds"] == 7


def test_all_or_nothing(
    stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows, redis: Redis
) -> None:
    """Without Redis or PostgreSQL nothing is erased, and the call has to be repeated."""
    watch(viewer, movie_id, redis, rows)
    before = known(rows, viewer.user_id)

    for server, code in (
        (stack.redis, "cache_unavailable"),
        (stack.postgres, "database_unavailable"),
    ):
        server.stop()
        try:
            answer = erase(viewer.user_id)
        finally:
            server.start()
        assert (answer.status, answer.json["code"]) == (503, code)
        assert int(answer.headers["retry-after"]) > 0
        assert known(rows, viewer.user_id) == before
        forget_environment()

    assert erase(viewer.user_id).json["positions"] == 2


def test_late_cache_write_comes_to_nothing(
    environment: dict[str, str], viewer: Viewer, movie_id: UUID, rows: Rows, redis: Redis
) -> None:
    """A request that read the position before the erasure cannot cache it afterwards."""
    watch(viewer, movie_id, redis, rows)
    database = Database(DatabaseSettings.from_environment(environment))
    read_before = ProgressRecord(database).find(viewer.user_id, movie_id)
    assert read_before is not None
    erase(viewer.user_id)

    cache = ProgressCache(Cache(CacheSettings.from_environment(environment)), 86400)
    cache.keep(read_before)

    assert cache.find(viewer.user_id, movie_id) is None
    assert viewer.progress(movie_id).status == 404
    database.close()


def test_event_of_a_session_that_ends_meanwhile_is_erased(
    environment: dict[str, str], viewer: Viewer, movie_id: UUID, rows: Rows
) -> None:
    """A session that ends during its user's erasure leaves no event."""
    session_id = UUID(viewer.start(movie_id).json["session_id"])
    locked, answers = threading.Event(), []

    def end(transaction: Transaction) -> None:
        transaction.rows("SELECT 1 FROM stream_sessions WHERE id = :id FOR UPDATE", id=session_id)
        locked.set()
        waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while not transaction.row(waits):
            transaction.rows("SELECT pg_sleep(0.01), pg_stat_clear_snapshot()")
        insert(transaction, [Message(uuid4(), "stream.stop", str(viewer.user_id), "{}")])

    def erase_meanwhile() -> None:
        locked.wait(10)
        answers.append(erase(viewer.user_id))

    thread = threading.Thread(target=erase_meanwhile)
    thread.start()
    database = Database(DatabaseSettings.from_environment(environment))
    database.run(end)
    thread.join(30)
    database.close()

    assert answers[0].json["events"] == 1
    assert set(known(rows, viewer.user_id).values()) == {0}
