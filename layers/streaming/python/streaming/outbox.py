"""The outbox: events that were committed with what they tell of, and are not yet in Kafka."""

from collections.abc import Callable, Sequence
from uuid import UUID

from streaming.database import Database, Transaction
from streaming.events import Message

# Of its own row, a statement sees nothing yet.
_INSERT = """
    INSERT INTO event_outbox (event_id, topic, key, value)
    VALUES (:event_id, :topic, :key, :value)
    ON CONFLICT (event_id) DO NOTHING
    RETURNING NOT EXISTS (
        SELECT 1 FROM event_outbox AS older WHERE older.key = event_outbox.key
    ) AS is_next
"""

_SELECT_OF_KEY = "SELECT 1 FROM event_outbox WHERE key = :key LIMIT 1"

_SELECT_OLDEST = """
    SELECT event_id, topic, key, value
    FROM event_outbox
    WHERE created_at < now() - make_interval(secs => :settling_seconds)
    ORDER BY id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
"""

_DELETE = "DELETE FROM event_outbox WHERE event_id = ANY(CAST(:event_ids AS uuid[]))"

_MEASURE = """
    SELECT
        count(*) AS messages,
        CAST(coalesce(extract(epoch FROM now() - min(created_at)), 0) AS float8) AS oldest_seconds
    FROM event_outbox
"""

# A request that has just committed is still publishing; leaving its row alone avoids a repeat.
SETTLING_SECONDS = 5.0

Publish = Callable[[Sequence[Message]], set[UUID]]
"""Sends messages in order and returns the ids of those that Kafka acknowledged."""


class Outbox:
    """Reads and empties the outbox. Raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def delete(self, event_ids: Sequence[UUID]) -> None:
        """Delete the messages that Kafka has acknowledged."""
        self._database.run(lambda transaction: _delete(transaction, event_ids))

    def relay(
        self, publish: Publish, limit: int, settling_seconds: float = SETTLING_SECONDS
    ) -> tuple[int, int]:
        """Publish the oldest messages, at most ``limit``, and delete those acknowledged.

        Rows that another instance is relaying are passed over. Returns how many were read and how
        many of them acknowledged.
        """

        def work(transaction: Transaction) -> tuple[int, int]:
            rows = transaction.rows(_SELECT_OLDEST, settling_seconds=settling_seconds, limit=limit)
            acknowledged = publish([Message(**row) for row in rows]) if rows else set()
            _delete(transaction, list(acknowledged))
            return len(rows), len(acknowledged)

        return self._database.run(work)

    def measure(self) -> tuple[int, float]:
        """Return how many messages wait, and for how many seconds the oldest has."""
        row = self._database.run(lambda transaction: transaction.row(_MEASURE))
        return (row["messages"], row["oldest_seconds"]) if row else (0, 0.0)


def insert(transaction: Transaction, messages: Sequence[Message]) -> bool:
    """Put ``messages`` in the outbox, in order, within the caller's transaction.

    Returns whether they may be sent as soon as they are committed: False when older messages of
    the first one's key wait, which Kafka must get before.
    """
    inserted = [
        transaction.row(
            _INSERT,
            event_id=message.event_id,
            topic=message.topic,
            key=message.key,
            value=message.value,
        )
        for message in messages
    ]
    # There is no row when this work runs again because its commit was not acknowledged.
    return bool(inserted and inserted[0] and inserted[0]["is_next"])


def has_messages_of(transaction: Transaction, key: str) -> bool:
    """Tell whether messages of ``key`` wait."""
    return transaction.row(_SELECT_OF_KEY, key=key) is not None


def _delete(transaction: Transaction, event_ids: Sequence[UUID]) -> None:
    if event_ids:
        transaction.rows(_DELETE, event_ids=[str(event_id) for event_id in event_ids])
