"""A take-over ends as many of the oldest streams as the limit requires."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest
from redis import Redis

from local.stack import Stack
from streaming.cache.client import Cache
from streaming.cache.stream_slots import StreamSlots
from streaming.config.cache import CacheSettings
from streaming.config.database import DatabaseSettings
from streaming.domain import clock
from streaming.domain.identifiers import uuid7
from streaming.repository.database import Database
from streaming.repository.transaction import Transaction
from tests.conftest import Rows, set_subscription
from tests.integration.stream_limit.streams import open_sessions, start
from tests.support.functions import ExecutionEnvironment, Response, Viewer
from tests.support.kafka import await_events
from tests.support.waiting import eventually

pytestmark = pytest.mark.own_servers


def test_take_over(stack: Stack, couple: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A take-over ends the oldest stream, records the reason, and its player is informed."""
    oldest, newer = start(couple, movie_id), start(couple, movie_id)
    couple.report(movie_id, 30, session_id=oldest, sequence=1)

    newest = start(couple, movie_id, take_over=True)

    assert open_sessions(rows, couple) == {newer, newest}
    (row,) = rows("SELECT * FROM stream_sessions WHERE id = :id", id=UUID(oldest))
    assert row["end_reason"] == "taken_over"
    told = couple.report(movie_id, 40, session_id=oldest, sequence=2)
    assert (told.json["applied"], told.json["session_ended"]) == (False, True)
    assert couple.report(movie_id, 31, session_id=newest, sequence=1).json["applied"] is True
    assert couple.start(movie_id).status == 429
    bootstrap = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    events = await_events(bootstrap, couple.user_id, 4 + 1)
    (stopped,) = events["stream.stop"]
    assert (stopped["session_id"], stopped["reason"]) == (oldest, "taken_over")
    assert stopped["position_seconds"] == 30
    assert [each["session_id"] for each in events["stream.start"]] == [oldest, newer, newest]


def test_take_over_below_the_limit(couple: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A take-over below the limit ends no stream."""
    first = start(couple, movie_id)

    second = start(couple, movie_id, take_over=True)

    assert open_sessions(rows, couple) == {first, second}


def test_take_over_after_the_limit_was_lowered(
    stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows, redis: Redis
) -> None:
    """A take-over ends as many streams as exceed the limit."""
    set_subscription(stack, viewer.user_id, max_streams=4)
    began = [start(viewer, movie_id) for _ in range(4)]
    set_subscription(stack, viewer.user_id, max_streams=2)
    redis.delete(f"subscription:{viewer.user_id}")

    last = start(viewer, movie_id, take_over=True)

    assert open_sessions(rows, viewer) == {began[3], last}


def test_taken_over_while_it_opens(
    stack: Stack, single: Viewer, movie_id: UUID, redis: Redis, rows: Rows
) -> None:
    """A start that is taken over while it opens is refused, and its repeat is a new start."""
    slots = StreamSlots(Cache(CacheSettings.from_environment(stack.environment)))
    opening = ExecutionEnvironment()
    database = Database(DatabaseSettings.from_environment(stack.environment))
    other = uuid7(clock.milliseconds(datetime.now(UTC)))

    def take_over_once_it_has_a_slot(transaction: Transaction) -> Future[Response]:
        transaction.rows("LOCK TABLE stream_sessions IN EXCLUSIVE MODE")
        starting = pool.submit(start_there)
        eventually(lambda: redis.exists(f"streams:{single.user_id}"))
        claim = slots.claim(single.user_id, other, 1, take_over=True)
        assert claim is not None
        assert claim.is_granted
        return starting

    def start_there() -> Response:
        with opening:
            return single.start(movie_id, key="one-key")

    with ThreadPoolExecutor() as pool:
        with opening:
            assert single.continue_watching().status == 200
        refused = database.run(take_over_once_it_has_a_slot).result()
    opening.close()
    database.close()

    assert (refused.status, refused.json["code"]) == (429, "stream_limit_reached")
    assert open_sessions(rows, single) == set()
    again = single.start(movie_id, key="one-key")
    assert (again.status, again.json["code"]) == (429, "stream_limit_reached")
    slots.end(single.user_id, other)
    assert single.start(movie_id, key="one-key").json["session_id"] in open_sessions(rows, single)
