"""The limit of a user's concurrent streams."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

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
from tests.support.emitted import emitted
from tests.support.functions import (
    ExecutionEnvironment,
    Json,
    Response,
    Viewer,
    event,
    forget_environment,
    invoke,
)
from tests.support.kafka import await_events
from tests.support.threads import at_once
from tests.support.waiting import eventually

pytestmark = pytest.mark.own_servers

MINUTE = 60_000
SILENCE = """
    UPDATE stream_sessions
    SET last_heartbeat_at = now() - interval '1 hour'
    WHERE id = :id
"""


@pytest.fixture
def couple(stack: Stack, viewer: Viewer) -> Viewer:
    """A subscriber with two streams."""
    set_subscription(stack, viewer.user_id, max_streams=2)
    return viewer


@pytest.fixture
def single(stack: Stack, viewer: Viewer) -> Viewer:
    """A subscriber with one stream."""
    set_subscription(stack, viewer.user_id, max_streams=1)
    return viewer


@pytest.fixture
def redis_back(stack: Stack) -> Iterator[None]:
    """Redis runs again afterwards."""
    yield
    stack.redis.restart()


def start(viewer: Viewer, movie_id: UUID, **body: Any) -> str:
    """Start a film, which must succeed; return the session."""
    answer = viewer.start(movie_id, body or None)
    assert answer.status == 200, answer.body
    session_id: str = answer.json["session_id"]
    return session_id


def let_time_pass(redis: Redis, viewer: Viewer, milliseconds: int) -> None:
    """Set all counted heartbeats back."""
    key = f"streams:{viewer.user_id}"
    for session_id, stored in redis.hgetall(key).items():
        value = str(stored)
        sign = "-" if value.startswith("-") else ""
        at, *rest = value.removeprefix("-").split(":")
        redis.hset(key, session_id, ":".join([f"{sign}{int(at) - milliseconds}", *rest]))


def open_sessions(rows: Rows, viewer: Viewer) -> set[str]:
    """Return the user's open sessions in PostgreSQL."""
    statement = "SELECT id FROM stream_sessions WHERE user_id = :user AND ended_at IS NULL"
    return {str(row["id"]) for row in rows(statement, user=viewer.user_id)}


def test_over_the_limit(couple: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A start above the limit is 429 with the running streams, oldest first, and opens none."""
    began = [start(couple, movie_id) for _ in range(2)]
    couple.report(movie_id, 10, session_id=began[1], sequence=1)

    refused = couple.start(movie_id)

    assert (refused.status, refused.json["code"]) == (429, "stream_limit_reached")
    assert refused.headers["retry-after"] == "60"
    assert refused.json["max_streams"] == 2
    assert [each["session_id"] for each in refused.json["sessions"]] == began
    for live in refused.json["sessions"]:
        assert live["movie_id"] == str(movie_id)
        assert live["started_at"] <= live["last_heartbeat_at"]
        age = datetime.now(UTC) - clock.parse_iso(live["last_heartbeat_at"])
        assert timedelta(0) <= age < timedelta(minutes=1)
    assert open_sessions(rows, couple) == set(began)


def test_stop_frees_at_once(couple: Viewer, movie_id: UUID) -> None:
    """A stopped stream frees its place, and its late heartbeat does not take it again."""
    first = start(couple, movie_id)
    start(couple, movie_id)
    couple.stop(movie_id, 10, session_id=first, sequence=5)
    late = couple.report(movie_id, 5, session_id=first, sequence=4)

    start(couple, movie_id)

    assert late.json["session_ended"] is True
    assert couple.start(movie_id).status == 429


def test_dead_player(single: Viewer, movie_id: UUID, redis: Redis) -> None:
    """A player without a heartbeat for a minute does not count; one that reports does."""
    dead = start(single, movie_id)
    let_time_pass(redis, single, MINUTE - 5000)
    assert single.start(movie_id).status == 429
    let_time_pass(redis, single, 5000)
    alive = start(single, movie_id)
    let_time_pass(redis, single, MINUTE - 5000)
    single.report(movie_id, 10, session_id=alive, sequence=1)
    let_time_pass(redis, single, MINUTE - 5000)

    refused = single.start(movie_id)

    assert [each["session_id"] for each in refused.json["sessions"]] == [alive]
    assert dead != alive


def test_abandoned_frees_and_counts_again(
    single: Viewer, movie_id: UUID, rows: Rows, redis: Redis
) -> None:
    """An abandoned session frees its place immediately; if its player returns, it counts again."""
    session_id = start(single, movie_id)
    rows(SILENCE, id=UUID(session_id))
    eventually(
        lambda: invoke("housekeeping", event("housekeeping")) and not open_sessions(rows, single)
    )
    eventually(lambda: not redis.exists(f"streams:{single.user_id}"))
    other = start(single, movie_id)

    back = single.report(movie_id, 20, session_id=session_id, sequence=1)

    assert back.json["session_ended"] is False
    live = single.start(movie_id).json["sessions"]
    assert [each["session_id"] for each in live] == [session_id, other]


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


def test_failed_start_frees_its_slot(couple: Viewer, movie_id: UUID, rows: Rows) -> None:
    """A film that cannot be started takes no place, and ends no stream."""
    began = [start(couple, movie_id) for _ in range(2)]
    assert couple.start(uuid4(), {"take_over": True}).status == 404
    assert couple.report(movie_id, 10, session_id=began[0], sequence=1).json["applied"] is True

    assert couple.start(movie_id).status == 429
    assert open_sessions(rows, couple) == set(began)
    couple.stop(movie_id, 10, session_id=began[0])
    assert couple.start(uuid4()).status == 404
    start(couple, movie_id)


def test_default_limit(viewer: Viewer, movie_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """MAX_CONCURRENT_STREAMS applies to subscriptions without a limit of their own."""
    monkeypatch.setenv("MAX_CONCURRENT_STREAMS", "1")
    forget_environment()
    start(viewer, movie_id)

    assert viewer.start(movie_id).status == 429


def test_subscription_overrides_the_default(
    couple: Viewer, movie_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The subscription's limit takes precedence, whether higher or lower."""
    monkeypatch.setenv("MAX_CONCURRENT_STREAMS", "1")
    forget_environment()
    start(couple, movie_id)
    start(couple, movie_id)

    assert couple.start(movie_id).status == 429


@pytest.mark.parametrize("max_streams", [0, None])
def test_no_limit(
    stack: Stack, viewer: Viewer, movie_id: UUID, redis: Redis, max_streams: int | None
) -> None:
    """Without a limit a start counts nothing; heartbeats count, for a limit that may follow."""
    set_subscription(stack, viewer.user_id, max_streams=max_streams)
    sessions = [start(viewer, movie_id) for _ in range(5)]
    assert not redis.exists(f"streams:{viewer.user_id}")

    viewer.report(movie_id, 10, session_id=sessions[0], sequence=1)

    assert set(redis.hgetall(f"streams:{viewer.user_id}")) == {sessions[0]}
    assert 0 < redis.pttl(f"streams:{viewer.user_id}") <= MINUTE


def test_redis_loses_everything(couple: Viewer, movie_id: UUID, redis: Redis) -> None:
    """After Redis has lost its counts, the next heartbeats count again."""
    began = [start(couple, movie_id) for _ in range(2)]
    redis.flushall()
    for session_id in began:
        couple.report(movie_id, 10, session_id=session_id, sequence=1)

    assert couple.start(movie_id).status == 429


def test_redis_gone(
    stack: Stack,
    single: Viewer,
    movie_id: UUID,
    redis_back: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without Redis the limit is not enforced, and a metric says so."""
    start(single, movie_id)
    stack.redis.stop()

    session_id = start(single, movie_id)

    assert single.report(movie_id, 10, session_id=session_id).status == 200
    assert single.stop(movie_id, 10, session_id=session_id).status == 200
    assert emitted(capsys.readouterr().out, "StreamLimitNotEnforced")


def test_postgres_gone(stack: Stack, single: Viewer, movie_id: UUID) -> None:
    """Without PostgreSQL the refusal lists the streams in Redis."""
    session_id = start(single, movie_id)
    try:
        stack.postgres.stop()
        refused = single.start(movie_id)
    finally:
        stack.postgres.restart()

    assert refused.status == 429
    (live,) = refused.json["sessions"]
    assert (live["session_id"], live["movie_id"]) == (session_id, None)
    age = datetime.now(UTC) - clock.parse_iso(live["started_at"])
    assert timedelta(0) <= age < timedelta(minutes=1)


def test_repeated_start_keeps_one_slot(single: Viewer, movie_id: UUID) -> None:
    """A start repeated by its key is the running stream."""
    first = single.start(movie_id, key="one-key")
    again = single.start(movie_id, key="one-key")

    assert (again.status, again.json["session_id"]) == (200, first.json["session_id"])


def test_refused_start_may_be_repeated(single: Viewer, movie_id: UUID) -> None:
    """A key whose start was refused can be used again, with or without take-over."""
    running = start(single, movie_id)
    assert single.start(movie_id, key="one-key").status == 429
    assert single.start(movie_id, {"take_over": True}, key="one-key").status == 200
    assert single.report(movie_id, 5, session_id=running).json["session_ended"] is True


def assert_ended(answer: Response) -> None:
    """The response to a refused repeat has no session to continue, and no URL."""
    assert (answer.status, answer.json["code"]) == (409, "session_ended")
    assert "manifest_url" not in answer.json


def test_repeats_of_stopped_starts(single: Viewer, movie_id: UUID, rows: Rows) -> None:
    """Old keys of stopped sessions open no streams beside the running one."""
    keys = [f"key-{number}" for number in range(6)]
    for key in keys:
        session_id = single.start(movie_id, key=key).json["session_id"]
        single.stop(movie_id, 10, session_id=session_id)
    running = start(single, movie_id)

    for key in keys:
        assert_ended(single.start(movie_id, key=key))

    assert open_sessions(rows, single) == {running}


def test_repeat_of_a_stopped_start_without_a_limit(viewer: Viewer, movie_id: UUID) -> None:
    """A stopped session also stays ended if streams are not limited."""
    session_id = viewer.start(movie_id, key="one-key").json["session_id"]
    viewer.stop(movie_id, 10, session_id=session_id)

    assert_ended(viewer.start(movie_id, key="one-key"))
    assert viewer.start(movie_id, key="another-key").status == 200


@pytest.mark.parametrize("is_redis_empty", [False, True])
def test_repeat_of_a_start_that_was_taken_over(
    single: Viewer, movie_id: UUID, redis: Redis, *, is_redis_empty: bool
) -> None:
    """The repeat of a session that was taken over is refused, whatever Redis contains."""
    single.start(movie_id, key="one-key")
    start(single, movie_id, take_over=True)
    if is_redis_empty:
        redis.delete(f"streams:{single.user_id}")

    assert_ended(single.start(movie_id, key="one-key"))


def test_repeat_of_an_abandoned_start(single: Viewer, movie_id: UUID, rows: Rows) -> None:
    """The repeat of a session that housekeeping has ended is refused, limit or not."""
    session_id = single.start(movie_id, key="one-key").json["session_id"]
    rows(SILENCE, id=UUID(session_id))
    eventually(
        lambda: invoke("housekeeping", event("housekeeping")) and not open_sessions(rows, single)
    )

    assert_ended(single.start(movie_id, key="one-key"))


@pytest.mark.parametrize("is_place_taken", [False, True])
def test_repeat_of_a_silent_start(
    single: Viewer, movie_id: UUID, redis: Redis, *, is_place_taken: bool
) -> None:
    """A session without a heartbeat for a minute has lost its place, and gets no URLs."""
    single.start(movie_id, key="one-key")
    let_time_pass(redis, single, MINUTE)
    if is_place_taken:
        start(single, movie_id)

    assert_ended(single.start(movie_id, key="one-key"))


def test_repeat_keeps_the_place(single: Viewer, movie_id: UUID, redis: Redis) -> None:
    """A repeat is a heartbeat: it shows that the player is active."""
    single.start(movie_id, key="one-key")
    let_time_pass(redis, single, MINUTE - 5000)
    assert single.start(movie_id, key="one-key").status == 200
    let_time_pass(redis, single, MINUTE - 5000)

    assert single.start(movie_id).status == 429
    assert single.start(movie_id, key="one-key").status == 200


def test_repeat_after_redis_lost_everything(single: Viewer, movie_id: UUID, redis: Redis) -> None:
    """A session that is active in PostgreSQL gets a place again, unless another has it."""
    first = single.start(movie_id, key="one-key").json["session_id"]
    redis.delete(f"streams:{single.user_id}")
    again = single.start(movie_id, key="one-key")

    assert (again.status, again.json["session_id"]) == (200, first)
    assert single.start(movie_id).status == 429

    redis.delete(f"streams:{single.user_id}")
    start(single, movie_id)
    assert_ended(single.start(movie_id, key="one-key"))


def test_repeat_long_after_redis_lost_everything(
    single: Viewer, movie_id: UUID, redis: Redis, rows: Rows
) -> None:
    """Of sessions that are not counted only those active within a minute get a place."""
    session_id = single.start(movie_id, key="one-key").json["session_id"]
    redis.delete(f"streams:{single.user_id}")
    rows(
        "UPDATE stream_sessions SET last_heartbeat_at = now() - interval '61 s' WHERE id = :id",
        id=UUID(session_id),
    )

    assert_ended(single.start(movie_id, key="one-key"))


def test_repeat_without_redis(
    stack: Stack, single: Viewer, movie_id: UUID, redis_back: None
) -> None:
    """Without Redis PostgreSQL decides: open sessions are returned, stopped ones are not."""
    stopped = single.start(movie_id, key="stopped").json["session_id"]
    single.stop(movie_id, 10, session_id=stopped)
    running = single.start(movie_id, key="running").json["session_id"]
    stack.redis.stop()

    assert single.start(movie_id, key="running").json["session_id"] == running
    assert_ended(single.start(movie_id, key="stopped"))


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


@pytest.fixture
def environments(environment: dict[str, str]) -> Iterator[list[ExecutionEnvironment]]:
    """Ten execution environments."""
    made = [ExecutionEnvironment() for _ in range(10)]
    yield made
    for each in made:
        each.close()


def statuses(answers: list[Response]) -> list[int]:
    """Return the responses, in order."""
    return sorted(answer.status for answer in answers)


def test_ten_starts_at_once(
    couple: Viewer, movie_id: UUID, rows: Rows, environments: list[ExecutionEnvironment]
) -> None:
    """Of ten concurrent starts exactly as many succeed as the limit allows."""
    start(couple, movie_id)

    answers = at_once(environments, couple, lambda number: couple.start(movie_id))

    assert statuses(answers) == [200] + [429] * 9
    assert len(open_sessions(rows, couple)) == 2


def test_ten_take_overs_at_once(
    couple: Viewer, movie_id: UUID, rows: Rows, environments: list[ExecutionEnvironment]
) -> None:
    """After any number of concurrent take-overs, as many streams are open as allowed."""
    start(couple, movie_id)
    body: Json = {"take_over": True}

    at_once(environments, couple, lambda number: couple.start(movie_id, body))

    assert len(open_sessions(rows, couple)) == 2
    live = couple.start(movie_id).json["sessions"]
    assert {each["session_id"] for each in live} == open_sessions(rows, couple)
