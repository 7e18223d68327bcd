"""Relaying the outbox to Kafka."""

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
    """Have viewers report so often while Kafka is away; return them when all of it may be sent."""
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
    """Return the positions that Kafka was told of a viewer, in order."""
    own = [each for each in world.sent if each["user_id"] == str(viewer.user_id)]
    return [each["position_seconds"] for each in own]


def test_everything_is_relayed(world: MemoryEnvironment) -> None:
    """However much waits of a user, it arrives in the order in which it happened."""
    viewers = leave_waiting(world, 120, 3)
    relayed = world.relay_outbox(60)
    assert (relayed.relayed, relayed.dead, relayed.left.messages) == (123, 0, 0)
    assert [positions_of(world, each) for each in viewers] == [list(range(120)), [0, 1, 2]]


def test_what_has_just_been_committed(
    world: MemoryEnvironment, viewer: MemoryViewer, movie_id: UUID
) -> None:
    """It is left to the request that made it."""
    world.kafka.is_down = True
    viewer.report(movie_id, 10)
    world.kafka.is_down = False
    assert world.relay_outbox(60).left.messages == 1
    assert world.sent == []


def test_kafka_does_not_answer(world: MemoryEnvironment) -> None:
    """Everything stays and no attempt is counted, because that is no message's fault."""
    leave_waiting(world, 2, 1)
    world.kafka.is_down = True
    relayed = world.relay_outbox(60)
    assert (relayed.relayed, relayed.left.messages) == (0, 3)
    assert {row.attempts for row in world.record.outbox.values()} == {0}
    world.kafka.is_down = False
    assert world.relay_outbox(60).relayed == 3


def test_a_message_that_kafka_never_takes(world: MemoryEnvironment) -> None:
    """It is a dead letter at once, with its error, and keeps nobody else's from Kafka."""
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
    """It is sent once more alone, and is no dead letter if Kafka takes it then."""
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
    """Nothing of the user overtakes it; the key is left alone for a while, others are not."""
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
    """It is sent again in the same run, and what is behind it does not overtake it."""
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
    """From at most 15 seconds to at most a quarter of an hour, at random above half of that."""
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
    """After ten attempts, in which Kafka took others, its message is a dead letter."""
    (refused,) = leave_waiting(world, 1)
    world.kafka.refusals[str(refused.user_id)] = Refusal("topic", KeyError("no such topic"))
    for _ in range(9):
        leave_waiting(world, 1)
        assert world.relay_outbox(60).dead == 0
        world.pass_time(900)
    leave_waiting(world, 1)
    assert world.relay_outbox(60).dead == 1


def test_no_time(world: MemoryEnvironment) -> None:
    """Without time nothing is begun, and what is left is told."""
    leave_waiting(world, 2)
    relayed = world.relay_outbox(-1)
    assert (relayed.relayed, relayed.left.messages) == (0, 2)
    assert relayed.left.oldest_seconds == SETTLED


def test_without_kafka(world: MemoryEnvironment) -> None:
    """Where events are switched off, what waits stays and is measured."""
    leave_waiting(world, 2)
    relayed = RelayOutbox(world.outbox, None)(60)
    assert (relayed.relayed, relayed.left.messages) == (0, 2)


def test_the_database_does_not_answer(world: MemoryEnvironment) -> None:
    """The chore fails, and the next run tries again."""
    world.record.is_down = True
    with pytest.raises(DatabaseUnavailable):
        world.relay_outbox(60)
