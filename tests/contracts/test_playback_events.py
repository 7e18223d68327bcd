"""Tests that reports and stops are saved with their events."""

import pytest

from streaming.events.event import Message
from tests.contracts.record import EVENING, Player, Record, acknowledge, refuse, seconds


def test_an_event_that_kafka_takes_at_once(record: Record) -> None:
    """An acknowledged event is not in the outbox; a report that changes nothing sends none."""
    player = Player(record)
    sent: list[Message] = []

    def send(message: Message) -> bool:
        sent.append(message)
        return True

    player.report(10, EVENING, send=send)
    player.report(5, EVENING + seconds(1), age_seconds=60, send=send)
    assert [each.key for each in sent] == [str(player.user_id)]
    assert player.waiting() == []


def test_an_event_that_kafka_does_not_take(record: Record) -> None:
    """An event that Kafka refuses waits in the outbox, and later ones behind it are not sent."""
    player = Player(record)
    player.report(10, EVENING, send=refuse)
    player.report(20, EVENING + seconds(10), send=acknowledge)
    assert [each["position_seconds"] for each in player.waiting()] == [10, 20]


def test_a_repeat_sends_the_event_again(record: Record) -> None:
    """The repeat of the report on record is not applied, and its event is due with the same id.

    A late report has no event, nor has another position under the same sequence.
    """
    player = Player(record)
    player.start()
    sent: list[Message] = []

    def send(message: Message) -> bool:
        sent.append(message)
        return True

    for sequence in (1, 2):
        player.report(10 * sequence, EVENING + seconds(sequence), sequence, send=refuse)
    (_, _, waiting) = player.waiting()
    again = player.report(20, EVENING + seconds(3), 2, send=send)
    late = player.report(10, EVENING + seconds(4), 1, send=send)
    other = player.report(30, EVENING + seconds(5), 2, send=send)
    assert (again.applied, again.is_event_due) == (False, True)
    assert (late.applied, late.is_event_due) == (False, False)
    assert (other.applied, other.is_event_due) == (False, False)
    assert [each["event_id"] for each in player.waiting()][2:] == [waiting["event_id"]]
    assert sent == []


@pytest.mark.parametrize("sequence", [None, 7])
def test_only_the_first_stop_has_an_event(record: Record, sequence: int | None) -> None:
    """A second stop of a session inserts no event, with and without a sequence."""
    player = Player(record)
    player.start()
    assert player.stop(10, EVENING + seconds(10), sequence).ended_now
    assert not player.stop(10, EVENING + seconds(20), sequence).ended_now
    assert [each["action"] for each in player.waiting()] == ["stream_start", "stream_stop"]
