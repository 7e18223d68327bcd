"""Tests that the number of a user's concurrent streams is limited."""

from uuid import UUID

import pytest

from streaming.domain.errors import SessionEnded, StorageUnavailable, StreamLimitReached
from streaming.domain.sessions import LiveSession
from streaming.events.event import Message
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer, add_film
from tests.support.emitted import emitted


@pytest.fixture
def viewer(world: MemoryEnvironment) -> MemoryViewer:
    """A subscriber who may have two concurrent streams."""
    return MemoryViewer(world, max_streams=2)


def start_two(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> list[UUID]:
    """Start the film twice, one second apart; return the ids of the sessions."""
    first = viewer.start(movie_id).session_id
    world.pass_time(1)
    second = viewer.start(movie_id).session_id
    world.pass_time(1)
    return [first, second]


def test_one_stream_too_many(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The start is rejected with the list of running streams, oldest first."""
    sessions = start_two(world, viewer, movie_id)
    with pytest.raises(StreamLimitReached) as refused:
        viewer.start(movie_id)
    assert refused.value.members["max_streams"] == 2
    told: list[LiveSession] = refused.value.members["sessions"]
    assert [each.session_id for each in told] == sessions
    assert [each.movie_id for each in told] == [movie_id, movie_id]
    assert set(world.record.sessions) == set(sessions)


def test_what_runs_while_the_record_is_away(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """Without the database the running streams are listed from Redis, without their films."""
    sessions = start_two(world, viewer, movie_id)
    world.record.is_down = True
    with pytest.raises(StreamLimitReached) as refused:
        viewer.start(movie_id)
    told: list[LiveSession] = refused.value.members["sessions"]
    assert [(each.session_id, each.movie_id) for each in told] == [
        (session_id, None) for session_id in sessions
    ]


def test_the_limit_of_the_settings() -> None:
    """The configured limit applies if the subscription has none; 0 means no limit."""
    world = MemoryEnvironment({"MAX_CONCURRENT_STREAMS": "1"})
    movie_id = add_film(world)
    viewer, unlimited = MemoryViewer(world), MemoryViewer(world, max_streams=0)
    viewer.start(movie_id)
    with pytest.raises(StreamLimitReached):
        viewer.start(movie_id)
    for _ in range(3):
        unlimited.start(movie_id)


def test_a_stream_that_was_stopped(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A stopped stream frees its slot immediately."""
    first, _ = start_two(world, viewer, movie_id)
    viewer.stop(movie_id, 10, first)
    viewer.start(movie_id)


def test_a_stream_that_is_silent(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A stream counts for one minute after its last report."""
    first, _ = start_two(world, viewer, movie_id)
    world.pass_time(40)
    viewer.report(movie_id, 40, first)
    world.pass_time(40)
    viewer.start(movie_id)
    with pytest.raises(StreamLimitReached):
        viewer.start(movie_id)


def test_taking_over(world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID) -> None:
    """The oldest session ends, and the event of its end is sent before that of the start."""
    first, second = start_two(world, viewer, movie_id)
    third = viewer.start(movie_id, take_over=True).session_id
    assert world.record.sessions[first].end_reason == "taken_over"
    assert world.record.sessions[second].ended_at is None
    told = [(each["action"], each["session_id"]) for each in world.sent[2:]]
    assert told == [("stream_stop", str(first)), ("stream_start", str(third))]
    assert viewer.report(movie_id, 10, first).session_ended


def test_a_take_over_that_kafka_does_not_take(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """If the event of the end is not accepted, that of the start waits behind it."""
    start_two(world, viewer, movie_id)
    sent = len(world.sent)

    def be_down_once(_: Message) -> None:
        world.kafka.is_down = not world.kafka.is_down

    world.kafka.before_sending = be_down_once
    viewer.start(movie_id, take_over=True)
    assert [each["action"] for each in world.waiting] == ["stream_stop", "stream_start"]
    assert len(world.sent) == sent


def test_a_take_over_that_fails(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A failed take-over ends no stream and takes no slot."""
    sessions = start_two(world, viewer, movie_id)
    world.bucket.is_down = True
    with pytest.raises(StorageUnavailable):
        viewer.start(movie_id, take_over=True)
    for session_id in sessions:
        assert not viewer.report(movie_id, 10, session_id).session_ended
    world.bucket.is_down = False
    with pytest.raises(StreamLimitReached) as refused:
        viewer.start(movie_id)
    assert [each.session_id for each in refused.value.members["sessions"]] == sessions


def test_a_start_that_was_taken_over_meanwhile(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A start taken over before it completes fails, and its key may be used again."""

    def take_over_in_between(message: Message) -> None:
        world.kafka.before_sending = lambda _: None
        (session_id,) = world.record.sessions
        world.stream_slots.end(viewer.user_id, session_id)

    world.kafka.before_sending = take_over_in_between
    with pytest.raises(StreamLimitReached):
        viewer.start(movie_id, key="key")
    (session,) = world.record.sessions.values()
    assert session.end_reason == "taken_over"
    assert [each["action"] for each in world.sent] == ["stream_start", "stream_stop"]
    assert viewer.start(movie_id, key="key").session_id != session.id


def test_a_take_over_is_seen_although_kafka_is_slow(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """The slot is checked before the wait for Kafka, after which no time may be left for it."""

    def take_over(_: Message) -> None:
        world.kafka.before_sending = lambda _: None
        (session_id,) = world.record.sessions
        world.stream_slots.end(viewer.user_id, session_id)

    def lose_redis(_: Message) -> None:
        world.redis.is_down = True

    world.kafka.before_sending = take_over
    world.kafka.before_answering = lose_redis
    with pytest.raises(StreamLimitReached):
        viewer.start(movie_id)
    (session,) = world.record.sessions.values()
    assert session.end_reason == "taken_over"


def test_a_check_that_redis_does_not_answer(
    world: MemoryEnvironment,
    viewer: MemoryViewer,
    movie_id: UUID,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A start whose slot cannot be checked succeeds, and the metric counts it."""

    def lose_redis(_: Message) -> None:
        world.redis.is_down = True

    world.kafka.before_sending = lose_redis
    viewer.start(movie_id)
    assert emitted(capsys.readouterr().out, "StreamLimitNotEnforced")


def test_repeating_a_start_keeps_its_slot(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A repeat uses the slot of its session, even if Redis has lost its data."""
    first = viewer.start(movie_id, key="key")
    viewer.start(movie_id)
    assert viewer.start(movie_id, key="key").session_id == first.session_id
    world.redis.entries.clear()
    assert viewer.start(movie_id, key="key").session_id == first.session_id


def test_repeating_a_start_that_was_silent(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A repeat fails if its session sent no heartbeat for one minute."""
    viewer.start(movie_id, key="key")
    world.pass_time(60)
    with pytest.raises(SessionEnded):
        viewer.start(movie_id, key="key")


def test_repeating_a_start_that_was_taken_over(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """A repeat fails if its session was taken over, although it is still open in the database."""
    first = viewer.start(movie_id, key="key")
    world.stream_slots.end(viewer.user_id, first.session_id)
    with pytest.raises(SessionEnded):
        viewer.start(movie_id, key="key")
