"""Tests that reported positions are saved."""

from copy import deepcopy
from uuid import UUID, uuid4

import pytest

from streaming.domain.errors import DatabaseUnavailable, MovieNotFound, SessionNotFound
from streaming.events.event import Message
from streaming.usecases.event_sink import NoEvents
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.kafka import accept
from tests.fakes.viewer import MemoryViewer


def kept(world: MemoryEnvironment) -> object:
    """Return a copy of the tables and of the messages in Kafka."""
    return deepcopy((vars(world.record), world.kafka.messages))


def test_a_report(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """A report is saved in the database and Redis, and its event names the session."""
    session_id = viewer.start(movie_id).session_id
    world.pass_time(10)
    recorded = viewer.report(movie_id, 10, session_id, sequence=1)
    assert recorded.applied
    assert world.record.positions[viewer.user_id, movie_id].position_seconds == 10
    assert world.progress_cache.find(viewer.user_id, movie_id) == recorded.progress
    event = world.sent[-1]
    assert (event["action"], event["session_id"]) == ("stream_progress", str(session_id))
    assert (event["position_seconds"], event["sequence"]) == (10, 1)


def test_a_report_counts_as_a_heartbeat(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A report updates the session's last heartbeat and keeps its slot."""
    session_id = viewer.start(movie_id).session_id
    world.pass_time(50)
    viewer.report(movie_id, 10, session_id)
    assert world.record.sessions[session_id].last_heartbeat_at == world.now
    world.pass_time(50)
    claim = world.stream_slots.claim(viewer.user_id, uuid4(), 1, take_over=False)
    assert claim is not None
    assert [slot.session_id for slot in claim.slots] == [session_id]


def test_a_late_report(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """A late report changes nothing and sends no event; Redis gets the saved position."""
    session_id = viewer.start(movie_id).session_id
    viewer.report(movie_id, 20, session_id, sequence=2)
    world.redis.entries.clear()
    sent = len(world.sent)
    recorded = viewer.report(movie_id, 10, session_id, sequence=1)
    assert not recorded.applied
    assert len(world.sent) == sent
    cached = world.progress_cache.find(viewer.user_id, movie_id)
    assert cached is not None
    assert cached.position_seconds == 20


def test_a_report_after_the_end(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A report after the end changes nothing, says so in its result, and takes no slot."""
    session_id = viewer.start(movie_id).session_id
    viewer.stop(movie_id, 30, session_id)
    world.pass_time(120)
    recorded = viewer.report(movie_id, 40, session_id)
    assert (recorded.applied, recorded.session_ended) == (False, True)
    claim = world.stream_slots.claim(viewer.user_id, uuid4(), 1, take_over=False)
    assert claim is not None
    assert claim.is_granted


def test_a_report_without_a_session(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The position is saved, and no stream is counted."""
    assert viewer.report(movie_id, 10).applied
    assert world.sent[-1]["session_id"] is None
    assert world.stream_slots.keep(viewer.user_id, uuid4(), 1)


def test_report_with_another_users_session(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A report with another user's session is rejected, changes no table and sends no event."""
    session_id = MemoryViewer(world).start(movie_id).session_id
    before = kept(world)
    with pytest.raises(SessionNotFound):
        viewer.report(movie_id, 10, session_id)
    assert kept(world) == before


def test_report_of_one_unknown_film_too_many(
    world: MemoryEnvironment, viewer: MemoryViewer
) -> None:
    """A report of a 21st unknown film is rejected, changes no table and sends no event."""
    for _ in range(20):
        viewer.report(uuid4(), 1)
    before = kept(world)
    with pytest.raises(MovieNotFound):
        viewer.report(uuid4(), 1)
    assert kept(world) == before


def test_the_database_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The report fails, and nothing is cached or sent."""
    world.record.is_down = True
    with pytest.raises(DatabaseUnavailable):
        viewer.report(movie_id, 10)
    assert world.sent == []
    assert world.redis.entries == {}


def test_kafka_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The report is saved; its event waits in the outbox, and the next one behind it."""
    world.kafka.is_down = True
    assert viewer.report(movie_id, 10).applied
    world.kafka.is_down = False
    assert viewer.report(movie_id, 20).applied
    assert [each["position_seconds"] for each in world.waiting] == [10, 20]
    assert world.sent == []


def test_redis_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The report is saved nevertheless."""
    session_id = viewer.start(movie_id).session_id
    world.redis.is_down = True
    assert viewer.report(movie_id, 10, session_id).applied


def test_an_error_while_sending(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A report that ends before its event is sent is saved; its repeat sends the event, once."""

    class Bug(Exception):
        """An unexpected error."""

    def fail(_: Message) -> None:
        raise Bug

    session_id = viewer.start(movie_id).session_id
    world.kafka.before_sending = fail
    with pytest.raises(Bug):
        viewer.report(movie_id, 10, session_id, sequence=1)
    assert world.record.positions[viewer.user_id, movie_id].position_seconds == 10
    world.kafka.before_sending = accept
    assert not viewer.report(movie_id, 10, session_id, sequence=1).applied
    assert not viewer.report(movie_id, 10, session_id, sequence=1).applied
    events = [each for each in world.sent if each["action"] == "stream_progress"]
    assert [each["position_seconds"] for each in events] == [10, 10]
    assert len({each["event_id"] for each in events}) == 1


def test_the_outbox_does_not_answer(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """If neither Kafka nor the outbox has the event, the report is not acknowledged."""
    session_id = viewer.start(movie_id).session_id

    def outage(_: Message) -> None:
        world.record.is_down = True

    world.kafka.before_sending = outage
    world.kafka.is_down = True
    with pytest.raises(DatabaseUnavailable):
        viewer.report(movie_id, 10, session_id, sequence=1)


def test_without_events(world: MemoryEnvironment, movie_id: UUID) -> None:
    """If events are disabled, reports are saved and the outbox stays empty."""
    world.event_sink = NoEvents()
    assert MemoryViewer(world).report(movie_id, 10).applied
    assert (world.sent, world.waiting) == ([], [])
