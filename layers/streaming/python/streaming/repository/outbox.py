"""The outbox: events that were committed with the change they describe, and are not yet in Kafka.

Messages of one key reach Kafka in the order of their rows. A relay locks the oldest row of a key,
its head, until the acknowledged rows are deleted.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from streaming.events.event import Message
from streaming.repository.database import Database
from streaming.repository.outbox_inserts import insertion
from streaming.repository.pipeline_connection import Statement
from streaming.repository.transaction import Transaction

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


Send = Callable[[Sequence[Sequence[Waiting]]], Outcome]
"""Sends the queues of several keys, each in order."""


class Outbox:
    """Reads and empties the outbox. Each method raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, message: Message) -> None:
        """Insert a message that Kafka has not acknowledged, once."""
        self._database.pipeline(insertion([message]))

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
