"""The outbox: events that were committed with what they tell of, and are not yet in Kafka."""

from collections.abc import Callable, Sequence
from uuid import UUID

from streaming.database import Database, Transaction
from streaming.events import Message

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


def _delete(transaction: Transaction, event_ids: Sequence[UUID]) -> None:
    if event_ids:
        transaction.rows(_DELETE, event_ids=[str(event_id) for event_id in event_ids])
