"""As many streams run as the limit allows; ended and silent ones do not count."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from redis import Redis

from local.stack import Stack
from streaming.domain import clock
from tests.conftest import Rows, set_subscription
from tests.integration.stream_limit.streams import (
    MINUTE,
    SILENCE,
    let_time_pass,
    open_sessions,
    start,
)
from tests.support.emitted import emitted
from tests.support.functions import Viewer, event, forget_environment, invoke
from tests.support.waiting import eventually

pytestmark = pytest.mark.own_servers


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
