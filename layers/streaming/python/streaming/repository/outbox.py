"""The outbox: events that were committed with what they tell of, and are not yet in Kafka.

Messages of one key reach Kafka in the order in which they lie here. Whoever relays a key holds the
lock of its oldest row, its head, until those that were acknowledged are gone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from streaming.events.event import Message, StreamEvent
from streaming.repository.database import Database
from streaming.repository.transaction import Transaction

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

# A relay that has lost its network must not keep its keys from the others for hours. And heads are
# read in the order of an index: an outbox that has just grown has no statistics yet that say so,
# and would be sorted as a whole for each batch.
_PREPARE = """
    SELECT set_config('idle_in_transaction_session_timeout', '10s', true),
        set_config('enable_sort', 'off', true)
"""

_LOCK_HEADS = """
    SELECT head.id, head.key
    FROM event_outbox AS head
    WHERE head.id > :after
        AND head.created_at < now() - make_interval(secs => :settling_seconds)
        AND (head.next_attempt_at IS NULL OR head.next_attempt_at <= now())
        AND NOT EXISTS (
            SELECT 1 FROM event_outbox AS older
            WHERE older.key = head.key AND older.id < head.id
        )
    ORDER BY head.id
    LIMIT :limit
    FOR UPDATE OF head SKIP LOCKED
"""

_SELECT_QUEUES = """
    SELECT queue.id, queue.event_id, queue.topic, queue.key, queue.value, queue.attempts
    FROM unnest(CAST(:keys AS varchar[])) WITH ORDINALITY AS locked (key, place)
    CROSS JOIN LATERAL (
        SELECT * FROM event_outbox WHERE key = locked.key ORDER BY id LIMIT :limit
    ) AS queue
    ORDER BY locked.place, queue.id
"""

_DELETE_EVENT = "DELETE FROM event_outbox WHERE event_id = :event_id"

_DELETE = "DELETE FROM event_outbox WHERE id = ANY(CAST(:ids AS bigint[]))"

_POSTPONE = """
    UPDATE event_outbox AS head
    SET attempts = head.attempts + 1,
        next_attempt_at = clock_timestamp() + make_interval(secs => refused.seconds)
    FROM unnest(CAST(:ids AS bigint[]), CAST(:seconds AS float8[])) AS refused (id, seconds)
    WHERE head.id = refused.id
"""

_BURY = """
    WITH dead AS (
        DELETE FROM event_outbox WHERE id = :id
        RETURNING event_id, topic, key, value, created_at, attempts + 1 AS attempts
    )
    INSERT INTO event_dead_letters (event_id, topic, key, value, created_at, attempts, error)
    SELECT event_id, topic, key, value, created_at, attempts, :error FROM dead
    ON CONFLICT (event_id) DO UPDATE
    SET attempts = excluded.attempts, error = excluded.error, died_at = excluded.died_at
"""

_MEASURE = """
    SELECT
        count(*) AS messages,
        CAST(coalesce(extract(epoch FROM now() - min(created_at)), 0) AS float8) AS oldest_seconds,
        (SELECT count(*) FROM event_dead_letters) AS dead_letters
    FROM event_outbox
"""

# A request that has just committed is still publishing; leaving its row alone avoids a repeat.
SETTLING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits. ``attempts`` is how often Kafka refused it while it took others."""

    id: int
    message: Message
    attempts: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of messages, by their ids; those that are nowhere wait as they did.

    ``acknowledged`` are in Kafka, ``dead`` never will be, for that error, and the keys of
    ``postponed`` are not tried again for so many seconds.
    """

    acknowledged: list[int] = field(default_factory=list)
    dead: dict[int, str] = field(default_factory=dict)
    postponed: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """What was relayed. ``keys`` is how many were locked; ``last`` the id of the last head."""

    keys: int
    last: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Measures:
    """How much waits, for how many seconds the oldest has, and how many dead letters there are."""

    messages: int
    oldest_seconds: float
    dead_letters: int


MessageOf = Callable[[StreamEvent], Message | None]
"""Makes an event what goes to Kafka; None when events are switched off."""

Send = Callable[[Sequence[Sequence[Waiting]]], Outcome]
"""Sends the queues of some keys, each in order."""


class Outbox:
    """Reads and empties the outbox. Raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def delete(self, event_id: UUID) -> None:
        """Delete a message that Kafka has acknowledged."""
        self._database.run(lambda transaction: transaction.rows(_DELETE_EVENT, event_id=event_id))

    def relay(
        self, send: Send, *, after: int, keys: int, per_key: int, settling_seconds: float
    ) -> Batch:
        """Have ``send`` publish the oldest messages of at most so many keys; record what it did.

        Takes keys whose head has a greater id than ``after``, is older than ``settling_seconds``
        and is due. Keys that another instance is relaying are passed over. ``send`` runs within the
        transaction that holds the locks.
        """

        def work(transaction: Transaction) -> Batch:
            transaction.rows(_PREPARE)
            heads = transaction.rows(
                _LOCK_HEADS, after=after, settling_seconds=settling_seconds, limit=keys
            )
            if not heads:
                return Batch(0, after, Outcome())
            outcome = send(_queues(transaction, [head["key"] for head in heads], per_key))
            _record(transaction, outcome)
            return Batch(len(heads), heads[-1]["id"], outcome)

        return self._database.run(work)

    def measure(self) -> Measures:
        """Count what waits and what is dead."""
        row = self._database.read(lambda transaction: transaction.row(_MEASURE))
        return Measures(**row) if row else Measures(0, 0.0, 0)


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
    # There is no row for an event that an earlier attempt has put there.
    return bool(inserted and inserted[0] and inserted[0]["is_next"])


def insert_events(
    transaction: Transaction, events: Sequence[StreamEvent], message_of: MessageOf
) -> Sequence[Message]:
    """Put ``events`` in the outbox as ``insert`` does; return the messages, if they may be sent."""
    made = [message_of(event) for event in events]
    messages = [message for message in made if message is not None]
    return messages if insert(transaction, messages) else ()


def has_messages_of(transaction: Transaction, key: str) -> bool:
    """Tell whether messages of ``key`` wait."""
    return transaction.row(_SELECT_OF_KEY, key=key) is not None


def _queues(transaction: Transaction, keys: list[str], limit: int) -> list[list[Waiting]]:
    rows = transaction.rows(_SELECT_QUEUES, keys=keys, limit=limit)
    return [
        [
            Waiting(
                row["id"],
                Message(row["event_id"], row["topic"], row["key"], row["value"]),
                row["attempts"],
            )
            for row in queue
        ]
        for _, queue in groupby(rows, itemgetter("key"))
    ]


def _record(transaction: Transaction, outcome: Outcome) -> None:
    if outcome.acknowledged:
        transaction.rows(_DELETE, ids=outcome.acknowledged)
    if outcome.postponed:
        ids, seconds = zip(*outcome.postponed.items(), strict=True)
        transaction.rows(_POSTPONE, ids=list(ids), seconds=list(seconds))
    for row_id, error in outcome.dead.items():
        transaction.rows(_BURY, id=row_id, error=error)
