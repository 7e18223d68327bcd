"""Tests that waiting messages are relayed from the outbox."""

from collections.abc import Sequence
from uuid import UUID

from streaming.repository.outbox import Batch, Outcome, Waiting
from tests.contracts.record import EVENING, Player, Record, refuse, seconds


class Relay:
    """Records the queues that it gets, and returns outcomes for messages by their positions."""

    def __init__(
        self,
        *,
        acknowledged: Sequence[int] = (),
        dead: Sequence[int] = (),
        postponed: Sequence[int] = (),
        pause_seconds: float = 60,
    ) -> None:
        self._acknowledged = acknowledged
        self._dead = dead
        self._postponed = postponed
        self._pause_seconds = pause_seconds
        self.seen: list[list[Waiting]] = []

    def __call__(self, queues: Sequence[Sequence[Waiting]]) -> Outcome:
        """Record the queues and return the outcome; positions count through all queues."""
        self.seen = [list(queue) for queue in queues]
        ids = [each.id for queue in queues for each in queue]
        return Outcome(
            acknowledged=[ids[place] for place in self._acknowledged],
            dead={ids[place]: "too large" for place in self._dead},
            postponed={ids[place]: self._pause_seconds for place in self._postponed},
        )

    @property
    def event_ids(self) -> list[list[UUID]]:
        """The ids of the recorded events, by queue."""
        return [[each.message.event_id for each in queue] for queue in self.seen]


def relay(
    record: Record,
    send: Relay,
    *,
    after: int = 0,
    keys: int = 10,
    per_key: int = 10,
    settling_seconds: float = -1,
) -> Batch:
    """Relay messages of any age."""
    return record.outbox.relay(
        send, after=after, keys=keys, per_key=per_key, settling_seconds=settling_seconds
    )


def positions_of(queues: Sequence[Sequence[Waiting]], players: Sequence[Player]) -> list[list[int]]:
    """Return the owners of each queue's messages, as indexes of ``players``."""
    users = [str(player.user_id) for player in players]
    return [[users.index(each.message.key) for each in queue] for queue in queues]


def fill(record: Record, *counts: int) -> list[Player]:
    """Create a player for each of ``counts``; let it send this number of reports without Kafka."""
    players = [Player(record) for _ in counts]
    for turn in range(max(counts)):
        for player, count in zip(players, counts, strict=True):
            if turn < count:
                player.report(turn, EVENING + seconds(turn), send=refuse)
    return players


def test_queues_are_in_order(record: Record) -> None:
    """Each key has one queue in the order of its events; the key waiting longest is first."""
    players = fill(record, 3, 1, 2)
    send = Relay()
    batch = relay(record, send)
    assert positions_of(send.seen, players) == [[0, 0, 0], [1], [2, 2]]
    assert [event["position_seconds"] for event in players[0].waiting()] == [0, 1, 2]
    assert batch.keys == 3
    assert batch.last == send.seen[-1][0].id


def test_a_batch_has_bounds(record: Record) -> None:
    """Keys and messages per key are limited; the next message of the key is sent afterwards."""
    players = fill(record, 3, 1, 2)
    send = Relay()
    batch = relay(record, send, keys=2, per_key=2)
    assert positions_of(send.seen, players) == [[0, 0], [1]]
    batch = relay(record, send, after=batch.last, keys=2, per_key=2)
    assert positions_of(send.seen, players) == [[2, 2]]
    assert relay(record, send, after=batch.last) == Batch(0, batch.last, Outcome())


def test_what_is_acknowledged_is_gone(record: Record) -> None:
    """Acknowledged messages are deleted; the next one of the key becomes its head."""
    players = fill(record, 2, 1)
    relay(record, Relay(acknowledged=[0]))
    send = Relay()
    relay(record, send)
    assert sorted(positions_of(send.seen, players)) == [[0], [1]]
    assert record.outbox.measure().messages == 2


def test_a_postponed_key_waits(record: Record) -> None:
    """During the pause the key is not sent, but others are. The attempt is counted."""
    players = fill(record, 2, 1)
    relay(record, Relay(postponed=[0], pause_seconds=60))
    send = Relay()
    relay(record, send)
    assert positions_of(send.seen, players) == [[1]]


def test_a_pause_that_is_over(record: Record) -> None:
    """The key is sent again, with its number of attempts."""
    fill(record, 2)
    for attempts in range(3):
        send = Relay(postponed=[0], pause_seconds=-1)
        relay(record, send)
        assert [each.attempts for each in send.seen[0]] == [attempts, 0]


def test_dead_letters(record: Record) -> None:
    """A permanently rejected message leaves the outbox and is counted; the next one is sent."""
    players = fill(record, 2)
    relay(record, Relay(dead=[0]))
    measures = record.outbox.measure()
    assert (measures.messages, measures.dead_letters) == (1, 1)
    assert [event["position_seconds"] for event in players[0].waiting()] == [1]


def test_young_messages_are_left_alone(record: Record) -> None:
    """A message that was just committed is left to its request."""
    fill(record, 1)
    assert relay(record, Relay(), settling_seconds=60).keys == 0
    assert relay(record, Relay(), settling_seconds=-1).keys == 1


def test_deleting_an_event(record: Record) -> None:
    """The message is deleted, and another deletion has no effect."""
    fill(record, 2)
    send = Relay()
    relay(record, send)
    ((first, second),) = send.event_ids
    record.outbox.delete(first)
    record.outbox.delete(first)
    relay(record, send)
    assert send.event_ids == [[second]]


def test_an_empty_outbox(record: Record) -> None:
    """No message is sent, and all measures are 0."""
    assert relay(record, Relay()) == Batch(0, 0, Outcome())
    measures = record.outbox.measure()
    assert (measures.messages, measures.oldest_seconds, measures.dead_letters) == (0, 0, 0)
