"""The ledger of the consumer: offsets, dead letters, the kept months and a running rebuild."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from streaming.domain.viewing import DeadLetter
from streaming.repository.transaction import Transaction

# One batch at a time changes the figures: each then sees all that others have committed. The lock
# is held by the transaction, and must precede the statements that read.
_LOCK = "SELECT pg_advisory_xact_lock(7403912651)"

_FIND_STATE = "SELECT first_month, rebuilt_by FROM analytics_state"

_SAVE_OFFSETS = """
    INSERT INTO analytics_offsets AS stored (topic, partition, next_offset)
    SELECT topic, partition, next_offset
    FROM jsonb_to_recordset(CAST(:offsets AS jsonb))
        AS batch (topic text, partition integer, next_offset bigint)
    ORDER BY topic, partition
    ON CONFLICT (topic, partition) DO UPDATE SET
        next_offset = greatest(stored.next_offset, excluded.next_offset),
        updated_at = now()
"""

_SAVE_DEAD_LETTERS = """
    INSERT INTO analytics_dead_letters (
        topic, partition, "offset", reason, key, user_id, value
    )
    SELECT topic, partition, "offset", reason, key, user_id, decode(value, 'hex')
    FROM jsonb_to_recordset(CAST(:letters AS jsonb)) AS letter (
        topic text, partition integer, "offset" bigint, reason text, key text, user_id uuid,
        value text
    )
    ON CONFLICT (topic, partition, "offset") DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class State:
    """Sessions of months before ``first_month`` are deleted; ``rebuilt_by`` is a rebuild's id."""

    first_month: date
    rebuilt_by: UUID | None


def lock(transaction: Transaction) -> State:
    """Wait until no other transaction changes the figures; return the state."""
    transaction.rows(_LOCK)
    row = transaction.row(_FIND_STATE)
    assert row is not None
    return State(**row)


def save_offsets(transaction: Transaction, next_offsets: dict[tuple[str, int], int]) -> None:
    """Save the next offset of each topic and partition; a smaller one changes nothing."""
    offsets = [
        {"topic": topic, "partition": partition, "next_offset": offset}
        for (topic, partition), offset in next_offsets.items()
    ]
    transaction.rows(_SAVE_OFFSETS, offsets=json.dumps(offsets))


def save_dead_letters(transaction: Transaction, letters: Sequence[DeadLetter]) -> None:
    """Save those that are not saved yet."""
    if not letters:
        return
    described = [
        {
            "topic": letter.place.topic,
            "partition": letter.place.partition,
            "offset": letter.place.offset,
            "reason": letter.reason,
            "key": letter.key,
            "user_id": str(letter.user_id) if letter.user_id else None,
            "value": letter.value.hex() if letter.value is not None else None,
        }
        for letter in letters
    ]
    transaction.rows(_SAVE_DEAD_LETTERS, letters=json.dumps(described))
