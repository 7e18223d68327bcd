"""Tests that waiting events are sent from the outbox to Kafka."""

from uuid import UUID, uuid4

import pytest

from streaming.domain.errors import DatabaseUnavailable
from streaming.events.event import Message
from streaming.events.refusal import Refusal
from streaming.usecases.housekeeping.relay_outbox import RelayOutbox
from tests.fakes.environment import MemoryEnvironment
from tests.fakes.viewer import MemoryViewer

SETTLED = 10


def leave_waiting(world: MemoryEnvironment, *counts: int) -> list[MemoryViewer]:
    """Let viewers send ``counts`` reports without Kafka; return them when the events are due."""
    world.kafka.is_down = True
    viewers = [MemoryViewer(world) for _ in counts]
    for viewer, count in zip(viewers, counts, strict=True):
        movie_id = uuid4()
        for number in range(count):
            viewer.report(movie_id, number)
    world.kafka.is_down = False
    world.pass_time(SETTLED)
    return viewers


def positions_of(world: MemoryEnvironment, viewer: MemoryViewer) -> list[int]:
    """Return the positions in the viewer's events in Kafka, in order."""
    own = [each for each in world.sent if each["user_id"] == str(viewer.user_id)]
    return [each["position_seconds"] for each in own]


def test_everything_is_relayed(world: MemoryEnvironment) -> None:
    """All waiting events of a user are sent in order, in however many batches."""
    viewers = leave_waiting(world, 120, 3)
    relayed = world.relay_outbox(60)
    assert (relayed.relayed, relayed.dead, relayed.left.messages) == (123, 0, 0)
    assert [positions_of(world, each) for each in viewers] == [list(range(120)), [0, 1, 2]]


def test_what_has_just_been_committed(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """An event that was just committed is left to its request."""
    world.kafka.is_down = True
    viewer.report(movie_id, 10)
    world.kafka.is_down = False
    assert world.relay_outbox(60).left.messages == 1
    assert world.sent == []


def test_kafka_does_not_answer(world: MemoryEnvironment) -> None:
    """All messages stay in the outbox, and no attempt is counted."""
    leave_waiting(world, 2, 1)
    world.kafka.is_down = True
    relayed = world.relay_outbox(60)
    assert (relayed.relayed, relayed.left.messages) == (0, 3)
    assert {row.attempts for row in world.record.outbox.values()} == {0}
    world.kafka.is_down = False
    assert world.relay_outbox(60).relayed == 3


def test_a_message_that_kafka_never_takes(world: MemoryEnvironment) -> None:
    """A permanently rejected message becomes a dead letter with its error; others are sent."""
    refused, other = leave_waiting(world, 1, 1)
    world.kafka.refusals[str(refused.user_id)] = Refusal("message", ValueError("too large"))
    relayed = world.relay_outbox(60)
    assert (relayed.relayed, relayed.dead) == (1, 1)
    assert relayed.left.dead_letters == 1
    (letter,) = world.record.dead_letters.values()
    assert (letter.message.key, letter.error) == (
        str(refused.user_id),
        "ValueError('too large')",
    )
    assert positions_of(world, other) == [0]


def test_a_message_that_is_refused_with_its_batch(world: MemoryEnvironment) -> None:
    """A message rejected in a batch is sent again alone, and relayed if Kafka accepts it."""
    innocent, _ = leave_waiting(world, 1, 1)
    key = str(innocent.user_id)
    world.kafka.refusals[key] = Refusal("message", ValueError("another record is too large"))
    seen: list[str] = []

    def take_it_alone(message: Message) -> None:
        seen.append(message.key)
        if seen.count(key) == 2:
            del world.kafka.refusals[key]

    world.kafka.before_sending = take_it_alone
    relayed = world.relay_outbox(60)
    assert (relayed.relayed, relayed.dead) == (2, 0)


def test_a_refused_message_holds_back_its_user(world: MemoryEnvironment) -> None:
    """Later messages of the user wait during the pause; those of other users are sent."""
    refused, other = leave_waiting(world, 3, 1)
    key = str(refused.user_id)
    world.kafka.refusals[key] = Refusal("unanswered", TimeoutError())
    assert world.relay_outbox(60).relayed == 1
    assert positions_of(world, refused) == []
    del world.kafka.refusals[key]
    other.report(uuid4(), 7)
    assert world.relay_outbox(60).relayed == 0
    world.pass_time(15)
    assert world.relay_outbox(60).relayed == 3
    assert positions_of(world, refused) == [0, 1, 2]


def test_a_message_that_is_taken_at_the_second_try(world: MemoryEnvironment) -> None:
    """A message accepted at the second attempt of a run is sent before later ones of its user."""
    refused, _ = leave_waiting(world, 3, 1)
    key = str(refused.user_id)
    world.kafka.refusals[key] = Refusal("unanswered", TimeoutError())
    seen: list[str] = []

    def take_it_later(message: Message) -> None:
        seen.append(message.key)
        if seen.count(key) == 2:
            del world.kafka.refusals[key]

    world.kafka.before_sending = take_it_later
    assert world.relay_outbox(60).relayed == 4
    assert positions_of(world, refused) == [0, 1, 2]


def test_pauses_grow(world: MemoryEnvironment) -> None:
    """Pauses double from 15 to 900 seconds, each reduced at random by at most half."""
    (refused,) = leave_waiting(world, 1)
    world.kafka.refusals[str(refused.user_id)] = Refusal("unanswered", TimeoutError())
    for attempts in range(8):
        leave_waiting(world, 1)
        world.relay_outbox(60)
        (row,) = world.record.outbox.values()
        assert row.attempts == attempts + 1
        assert row.next_attempt_at is not None
        longest = min(900.0, 15.0 * 2**attempts)
        assert longest / 2 <= (row.next_attempt_at - world.now).total_seconds() <= longest
        world.pass_time(900)


def test_a_topic_that_stays_missing(world: MemoryEnvironment) -> None:
    """After ten attempts in runs where Kafka accepted others, a message is a dead letter."""
    (refused,) = leave_waiting(world, 1)
    world.kafka.refusals[str(refused.user_id)] = Refusal("topic", KeyError("no such topic"))
    for _ in range(9):
        leave_waiting(world, 1)
        assert world.relay_outbox(60).dead == 0
        world.pass_time(900)
    leave_waiting(world, 1)
    assert world.relay_outbox(60).dead == 1


def test_no_time(world: MemoryEnvironment) -> None:
    """When no time is left nothing is sent, and the waiting messages are measured."""
    leave_waiting(world, 2)
    relayed = world.relay_outbox(-1)
    assert (relayed.relayed, relayed.left.messages) == (0, 2)
    assert relayed.left.oldest_seconds == SETTLED


def test_without_kafka(world: MemoryEnvironment) -> None:
    """If events are disabled, waiting messages stay and are measured."""
    leave_waiting(world, 2)
    relayed = RelayOutbox(world.outbox, None)(60)
    assert (relayed.relayed, relayed.left.messages) == (0, 2)


def test_the_database_does_not_answer(world: MemoryEnvironment) -> None:
    """The chore fails if the database does not answer."""
    world.record.is_down = True
    with pytest.raises(DatabaseUnavailable):
        world.relay_outbox(60)
