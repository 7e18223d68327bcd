"""Tests that a stream is stopped."""

from uuid import UUID, uuid4

import pytest

from streaming.domain.errors import DatabaseUnavailable, SessionNotFound
from streaming.events.event import Message
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer


def test_a_stop(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """A stop ends the session, saves the final position and sends an event."""
    session_id = viewer.start(movie_id).session_id
    world.pass_time(90)
    ended = viewer.stop(movie_id, 88, session_id)
    assert (ended.session_id, ended.duration_seconds) == (session_id, 90)
    assert world.record.sessions[session_id].ended_at == world.now
    cached = world.progress_cache.find(viewer.user_id, movie_id)
    assert cached == ended.progress
    event = world.sent[-1]
    assert (event["action"], event["position_seconds"]) == ("stream_stop", 88)
    assert world.waiting == []


def test_a_repeated_stop(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """A repeat returns the first result and sends no second event."""
    session_id = viewer.start(movie_id).session_id
    world.pass_time(90)
    viewer.stop(movie_id, 88, session_id)
    world.pass_time(10)
    again = viewer.stop(movie_id, 88, session_id)
    assert (again.session_id, again.duration_seconds) == (session_id, 90)
    assert [each["action"] for each in world.sent] == ["stream_start", "stream_stop"]


def test_the_event_has_the_id_that_is_on_record(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The sent event has its id in the outbox, so that consumers can discard repeats."""
    session_id = viewer.start(movie_id).session_id
    in_outbox: list[UUID] = []

    def look(_: Message) -> None:
        in_outbox.extend(row.message.event_id for row in world.record.outbox.values())

    world.kafka.before_sending = look
    viewer.stop(movie_id, 88, session_id)
    assert [UUID(world.sent[-1]["event_id"])] == in_outbox


def test_a_late_heartbeat(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """A heartbeat that arrives after the stop does not count the stream again."""
    session_id = viewer.start(movie_id).session_id
    viewer.stop(movie_id, 10, session_id)
    assert world.stream_slots.heartbeat(viewer.user_id, session_id) is False


def test_a_stop_without_a_session(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The position is saved, and no event is sent."""
    ended = viewer.stop(movie_id, 15)
    assert (ended.session_id, ended.progress.position_seconds) == (None, 15)
    assert world.sent == []


def test_somebody_elses_session(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """Another user's session, or an unknown one, is not found and not ended."""
    session_id = MemoryViewer(world).start(movie_id).session_id
    for each in (session_id, uuid4()):
        with pytest.raises(SessionNotFound):
            viewer.stop(movie_id, 15, each)
    assert world.record.sessions[session_id].ended_at is None


def test_the_database_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The stop fails, and the stream still counts."""
    session_id = viewer.start(movie_id).session_id
    world.record.is_down = True
    with pytest.raises(DatabaseUnavailable):
        viewer.stop(movie_id, 15, session_id)
    assert world.stream_slots.heartbeat(viewer.user_id, session_id) is True
    assert [each["action"] for each in world.sent] == ["stream_start"]


def test_events_wait_for_older_ones(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The event of the stop is not sent while an older one of the user waits."""
    world.kafka.is_down = True
    session_id = viewer.start(movie_id).session_id
    world.kafka.is_down = False
    viewer.stop(movie_id, 15, session_id)
    assert [each["action"] for each in world.waiting] == ["stream_start", "stream_stop"]
    assert world.sent == []


def test_redis_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The session ends nevertheless."""
    session_id = viewer.start(movie_id).session_id
    world.redis.is_down = True
    assert viewer.stop(movie_id, 15, session_id).ended_now
