"""What PostgreSQL knows of people, as far as it is to be forgotten."""

from dataclasses import dataclass
from datetime import datetime

from streaming import clock
from streaming.database import Database, Transaction
from streaming.identifiers import first_uuid7

# Ids of sessions tell when they were made, so the primary key finds the old ones.
_DELETE_SESSIONS = """
    DELETE FROM stream_sessions
    WHERE id IN (
        SELECT id
        FROM stream_sessions
        WHERE id < :first_id AND ended_at < :before
        ORDER BY id
        LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    RETURNING id
"""

_REMOVE_ADDRESSES = """
    UPDATE stream_sessions
    SET ip_address = NULL, user_agent = NULL
    WHERE id IN (
        SELECT id
        FROM stream_sessions
        WHERE id < :first_id AND (ip_address IS NOT NULL OR user_agent IS NOT NULL)
        ORDER BY id
        LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    RETURNING id
"""

_DELETE_DEAD_LETTERS = """
    DELETE FROM event_dead_letters
    WHERE event_id IN (
        SELECT event_id
        FROM event_dead_letters
        WHERE died_at < :before
        ORDER BY died_at
        LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    RETURNING event_id
"""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many sessions and dead letters were deleted, and sessions lost their address."""

    sessions: int
    addresses: int
    dead_letters: int


class PersonalData:
    """Deletes personal data. Raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget(self, before: datetime, limit: int) -> Forgotten:
        """Forget what is older than ``before``, at most ``limit`` rows of each kind.

        Sessions that had ended by then are deleted, those that began earlier lose IP address and
        user agent. Events that died by then are deleted.
        """
        first_id = first_uuid7(clock.milliseconds(before))

        def work(transaction: Transaction) -> Forgotten:
            ended = transaction.rows(
                _DELETE_SESSIONS, first_id=first_id, before=before, limit=limit
            )
            begun = transaction.rows(_REMOVE_ADDRESSES, first_id=first_id, limit=limit)
            dead = transaction.rows(_DELETE_DEAD_LETTERS, before=before, limit=limit)
            return Forgotten(len(ended), len(begun), len(dead))

        return self._database.run(work)
