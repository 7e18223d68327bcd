"""The outbox and the dead letters, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from uuid import UUID

from streaming.events.event import Message, StreamEvent
from streaming.repository.outbox import (
    Batch,
    Measures,
    Outbox,
    Outcome,
    Send,
    Waiting,
)
from streaming.repository.outbox_inserts import MessageOf
from tests.fakes.record import DeadLetterRow, MemoryRecord, OutboxRow

_ids = count(1)


class MemoryOutbox(Outbox):
    """The outbox of a ``MemoryRecord``."""

    def __init__(self, record: MemoryRecord) -> None:
        self._record = record

    def add(self, message: Message) -> None:
        """Insert a message that Kafka has not acknowledged, once."""
        with self._record.transaction():
            _insert(self._record, message)

    def delete(self, event_id: UUID) -> None:
        """Delete a message that Kafka has acknowledged."""
        with self._record.transaction():
            for row in list(self._record.outbox.values()):
                if row.message.event_id == event_id:
                    del self._record.outbox[row.id]

    def relay(
        self, send: Send, *, after: int, keys: int, per_key: int, settling_seconds: float
    ) -> Batch:
        """Call ``send`` with the oldest messages of at most ``keys`` keys; record the outcome."""
        with self._record.transaction():
            settled_before = self._record.now() - timedelta(seconds=settling_seconds)
            heads = [
                queue[0]
                for queue in self._queues().values()
                if queue[0].id > after
                and queue[0].created_at < settled_before
                and self._is_due(queue[0])
            ][:keys]
            if not heads:
                return Batch(0, after, Outcome())
            queues = self._queues()
            outcome = send(
                [
                    [Waiting(row.id, row.message, row.attempts) for row in queue[:per_key]]
                    for queue in (queues[head.message.key] for head in heads)
                ]
            )
            self._apply(outcome)
            return Batch(len(heads), heads[-1].id, outcome)

    def measure(self) -> Measures:
        """Count the waiting messages and the dead letters."""
        with self._record.transaction():
            now = self._record.now()
            ages = [(now - row.created_at).total_seconds() for row in self._record.outbox.values()]
            return Measures(len(ages), max(ages, default=0.0), len(self._record.dead_letters))

    def _queues(self) -> dict[str, list[OutboxRow]]:
        """Return the waiting messages of each key, the key with the oldest message first."""
        queues: dict[str, list[OutboxRow]] = {}
        for _, row in sorted(self._record.outbox.items()):
            queues.setdefault(row.message.key, []).append(row)
        return queues

    def _is_due(self, head: OutboxRow) -> bool:
        return head.next_attempt_at is None or head.next_attempt_at <= self._record.now()

    def _apply(self, outcome: Outcome) -> None:
        now = self._record.now()
        for row_id in outcome.acknowledged:
            self._record.outbox.pop(row_id, None)
        for row_id, seconds in outcome.postponed.items():
            row = self._record.outbox[row_id]
            self._record.outbox[row_id] = replace(
                row, attempts=row.attempts + 1, next_attempt_at=now + timedelta(seconds=seconds)
            )
        for row_id, error in outcome.dead.items():
            row = self._record.outbox.pop(row_id)
            self._record.dead_letters[row.message.event_id] = DeadLetterRow(
                message=row.message, attempts=row.attempts + 1, error=error, died_at=now
            )


def insert(record: MemoryRecord, messages: Sequence[Message]) -> bool:
    """Insert ``messages`` in order; return whether they may be sent once committed."""
    inserted = [_insert(record, message) for message in messages]
    return bool(inserted and inserted[0])


def insert_events(
    record: MemoryRecord, events: Sequence[StreamEvent], message_of: MessageOf
) -> Sequence[Message]:
    """Insert ``events`` as ``insert`` does; return the messages, if they may be sent."""
    made = [message_of(event) for event in events]
    messages = [message for message in made if message is not None]
    return messages if insert(record, messages) else ()


def has_messages_of(record: MemoryRecord, key: str) -> bool:
    """Return whether the outbox has messages of ``key``."""
    return any(row.message.key == key for row in record.outbox.values())


def _insert(record: MemoryRecord, message: Message) -> bool:
    if any(row.message.event_id == message.event_id for row in record.outbox.values()):
        return False
    is_next = not has_messages_of(record, message.key)
    row = OutboxRow(id=next(_ids), message=message, created_at=record.now())
    record.outbox[row.id] = row
    return is_next
