"""A start that is repeated by its key keeps its place, or is refused when its session has ended."""

from uuid import UUID

import pytest
from redis import Redis

from local.stack import Stack
from tests.conftest import Rows
from tests.integration.stream_limit.streams import (
    MINUTE,
    SILENCE,
    let_time_pass,
    open_sessions,
    start,
)
from tests.support.functions import Response, Viewer, event, invoke
from tests.support.waiting import eventually

pytestmark = pytest.mark.own_servers


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
