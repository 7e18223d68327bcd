"""Tests that sessions without heartbeats are ended."""

from uuid import UUID

import pytest

from streaming.domain.errors import DatabaseUnavailable
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer


def test_a_player_that_has_vanished(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """After five minutes without a report a session ends at the time of its last report."""
    session_id = viewer.start(movie_id).session_id
    world.pass_time(60)
    viewer.report(movie_id, 55, session_id)
    heard_at = world.now
    world.pass_time(300)
    assert world.end_abandoned_sessions(world.now, 60) == 0
    world.pass_time(1)
    assert world.end_abandoned_sessions(world.now, 60) == 1
    session = world.record.sessions[session_id]
    assert (session.ended_at, session.end_reason) == (heard_at, "abandoned")


def test_its_event(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """The event has the last position and the reason, and the relay sends it from the outbox."""
    viewer.start(movie_id)
    viewer.report(movie_id, 55)
    world.pass_time(301)
    world.end_abandoned_sessions(world.now, 60)
    (event,) = world.waiting
    assert (event["action"], event["reason"]) == ("stream_stop", "abandoned")
    assert event["position_seconds"] == 55
    world.pass_time(10)
    world.relay_outbox(60)
    assert world.sent[-1] == event


def test_its_slot(world: MemoryEnvironment, movie_id: UUID) -> None:
    """A report reopens the abandoned session, and its slot counts again."""
    viewer = MemoryViewer(world, max_streams=1)
    session_id = viewer.start(movie_id).session_id
    world.pass_time(301)
    world.end_abandoned_sessions(world.now, 60)
    assert viewer.report(movie_id, 10, session_id).applied
    assert world.record.sessions[session_id].ended_at is None
    assert world.stream_slots.keep(viewer.user_id, session_id, 0) is True


def test_more_sessions_than_a_batch(world: MemoryEnvironment, movie_id: UUID) -> None:
    """All are ended in several batches; none is ended when no time is left."""
    for _ in range(450):
        MemoryViewer(world).start(movie_id)
    world.pass_time(301)
    assert world.end_abandoned_sessions(world.now, 0) == 0
    assert world.end_abandoned_sessions(world.now, 60) == 450


def test_the_database_does_not_answer(world: MemoryEnvironment) -> None:
    """The chore fails if the database does not answer."""
    world.record.is_down = True
    with pytest.raises(DatabaseUnavailable):
        world.end_abandoned_sessions(world.now, 60)


def test_redis_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The sessions end nevertheless, because their slots have already expired."""
    viewer.start(movie_id)
    world.pass_time(301)
    world.redis.is_down = True
    assert world.end_abandoned_sessions(world.now, 60) == 1
