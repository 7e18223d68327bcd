"""The outbox: events that were committed with the change they describe, and are not yet in Kafka.

Messages of one key reach Kafka in the order of their rows. A relay locks the oldest row of a key,
its head, until the acknowledged rows are deleted.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from streaming.events.event import Message, StreamEvent
from streaming.repository.database import Database
from streaming.repository.transaction import Transaction
from streaming.repository.wire import Statement

# A statement does not see its own inserts, so this finds older rows only. It asks for one key: for
# those of an unknown number of rows, PostgreSQL would read the whole outbox. Ids are assigned in
# the order of the sorted rows. The parameter is JSON, because pg8000 writes arrays of texts slowly,
# and a text "null" in one as NULL.
_INSERT = """
    INSERT INTO event_outbox (event_id, topic, key, value)
    SELECT message.event_id, message.topic, message.key, message.value
    FROM ROWS FROM (
        json_to_recordset(CAST(:messages AS json)) AS (
            event_id uuid, topic text, key text, value text
        )
    ) WITH ORDINALITY AS message (event_id, topic, key, value, place)
    ORDER BY message.place
    ON CONFLICT (event_id) DO NOTHING
    RETURNING event_id, NOT EXISTS (
        SELECT FROM event_outbox AS older WHERE older.key = CAST(:first_key AS varchar)
    ) AS is_next
"""

# A relay that has lost its network must not hold its locks for hours. Sorting is disabled because
# heads can be read in index order: without it, an outbox that has just grown, and has no statistics
# yet, would be sorted as a whole for each batch.
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

# If a crash of the server undoes the deletion, the event is sent again, and consumers discard it.
_DO_NOT_FLUSH = "SET LOCAL synchronous_commit = off"
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
        DELETE FROM event_outbox AS head
        USING json_to_recordset(CAST(:dead AS json)) AS refused (id bigint, error text)
        WHERE head.id = refused.id
        RETURNING head.*, refused.error
    )
    INSERT INTO event_dead_letters (event_id, topic, key, value, created_at, attempts, error)
    SELECT event_id, topic, key, value, created_at, attempts + 1, error FROM dead
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

# A request that has just committed is still sending; not relaying its row avoids a duplicate.
SETTLING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message in the outbox. ``attempts`` counts refusals while Kafka accepted other messages."""

    id: int
    message: Message
    attempts: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of sending, by row id. Other rows are not changed.

    ``acknowledged`` are in Kafka. ``dead`` are those that Kafka will never accept, each with its
    error. ``postponed`` has the seconds for which the message's key is not tried again.
    """

    acknowledged: list[int] = field(default_factory=list)
    dead: dict[int, str] = field(default_factory=dict)
    postponed: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """The result of one batch: how many ``keys`` were locked, and the id of the ``last`` head."""

    keys: int
    last: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Measures:
    """The messages in the outbox, the age of the oldest, and the number of dead letters."""

    messages: int
    oldest_seconds: float
    dead_letters: int


MessageOf = Callable[[StreamEvent], Message | None]
"""Returns the message of an event; None if events are disabled."""

Send = Callable[[Sequence[Sequence[Waiting]]], Outcome]
"""Sends the queues of several keys, each in order."""


class Outbox:
    """Reads and empties the outbox. Each method raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, message: Message) -> None:
        """Insert a message that Kafka has not acknowledged, once."""
        self._database.pipeline(_insertion([message]))

    def delete(self, event_id: UUID) -> None:
        """Delete a message that Kafka has acknowledged."""
        self._database.pipeline(
            Statement(_DO_NOT_FLUSH, {}),
            Statement(_DELETE_EVENT, {"event_id": event_id}, keeps_plan=True),
        )

    def relay(
        self, send: Send, *, after: int, keys: int, per_key: int, settling_seconds: float
    ) -> Batch:
        """Call ``send`` with the oldest messages of at most ``keys`` keys; record the outcome.

        Takes keys whose head has a greater id than ``after``, is older than ``settling_seconds``
        and is due, and at most ``per_key`` messages of each. Skips keys that another instance is
        relaying. ``send`` runs within the transaction that holds the locks.
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
        """Count the messages in the outbox and the dead letters."""
        (row,) = self._database.query(_MEASURE)
        return Measures(**row)


def insert(transaction: Transaction, messages: Sequence[Message]) -> bool:
    """Insert ``messages``, in order, in one statement of the caller's transaction.

    Returns whether they may be sent as soon as they are committed: False if the outbox has older
    messages of the first one's key, which must reach Kafka first.
    """
    if not messages:
        return False
    inserted = transaction.run(_insertion(messages))
    # No row is returned for an event that an earlier attempt has inserted.
    first_id = messages[0].event_id
    return any(row["is_next"] and row["event_id"] == first_id for row in inserted)


def insert_events(
    transaction: Transaction, events: Sequence[StreamEvent], message_of: MessageOf
) -> Sequence[Message]:
    """Insert ``events`` as ``insert`` does; return the messages to send after the commit."""
    made = [message_of(event) for event in events]
    messages = [message for message in made if message is not None]
    return messages if insert(transaction, messages) else ()


def values_of(message: Message) -> dict[str, Any]:
    """Return the parameters of ``insert_from``."""
    return {
        "event_id": message.event_id,
        "topic": message.topic,
        "key": message.key,
        "value": message.value,
    }


def insert_from(source: str) -> str:
    """Return SQL that inserts a message if ``source``, the name of a query, has a row.

    Returns a row if it was inserted: whether the outbox has no older messages of its key.
    """
    return f"""
        INSERT INTO event_outbox (event_id, topic, key, value)
        SELECT :event_id, :topic, :key, :value
        FROM {source}
        ON CONFLICT (event_id) DO NOTHING
        RETURNING NOT EXISTS (
            SELECT FROM event_outbox AS older WHERE older.key = event_outbox.key
        ) AS is_next
    """  # noqa: S608


def _insertion(messages: Sequence[Message]) -> Statement:
    rows = [{**values_of(message), "event_id": str(message.event_id)} for message in messages]
    return Statement(_INSERT, {"first_key": messages[0].key, "messages": json.dumps(rows)})


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
    if outcome.dead:
        dead = [{"id": row_id, "error": error} for row_id, error in outcome.dead.items()]
        transaction.rows(_BURY, dead=json.dumps(dead))
