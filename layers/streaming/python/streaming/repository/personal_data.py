"""Deletes personal data: data older than the retention period, and all data of one user."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from streaming.domain import clock
from streaming.domain.identifiers import first_uuid7
from streaming.repository.analytics.personal_data import erase_viewer
from streaming.repository.database import Database
from streaming.repository.transaction import Transaction

# Ids of sessions begin with their time, so the primary key finds the old ones.
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

# Former versions write user_agent and ip_address.
_REMOVE_ADDRESSES = """
    UPDATE stream_sessions
    SET player_agent = NULL, player_address = NULL, user_agent = NULL, ip_address = NULL
    WHERE id IN (
        SELECT id
        FROM stream_sessions
        WHERE id < :first_id
            AND num_nonnulls(player_agent, player_address, user_agent, ip_address) > 0
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

_DELETE_SESSIONS_OF = "DELETE FROM stream_sessions WHERE user_id = :user_id RETURNING id"
_DELETE_POSITIONS_OF = "DELETE FROM watch_progress WHERE user_id = :user_id RETURNING movie_id"
_DELETE_EVENTS_OF = "DELETE FROM event_outbox WHERE key = :key RETURNING id"
_DELETE_DEAD_LETTERS_OF = "DELETE FROM event_dead_letters WHERE key = :key RETURNING event_id"
_DELETE_IDEMPOTENCY_KEYS_OF = "DELETE FROM idempotency_keys WHERE user_id = :user_id"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many sessions and dead letters were deleted, and how many addresses were removed."""

    sessions: int
    addresses: int
    dead_letters: int


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """How many rows of a user were deleted."""

    positions: int
    sessions: int
    events: int


ForgetCopies = Callable[[Sequence[UUID]], None]
"""Deletes the cached data of a user who has watched these films, or raises."""


class PersonalData:
    """Deletes personal data. Each method raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget(self, before: datetime, limit: int) -> Forgotten:
        """Delete data older than ``before``, at most ``limit`` rows of each kind.

        Deletes sessions that ended before then and dead letters from before then, and removes IP
        address and user agent from sessions that started before then.
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

    def erase(self, user_id: UUID, forget_copies: ForgetCopies) -> ErasedRows:
        """Delete every row of the user.

        ``forget_copies`` is called before the commit; if it raises, everything is rolled back.
        """

        def work(transaction: Transaction) -> ErasedRows:
            # Sessions first, which every transaction locks first. Delete in the direction data
            # flows: sessions, outbox, dead letters.
            sessions = transaction.rows(_DELETE_SESSIONS_OF, user_id=user_id)
            positions = transaction.rows(_DELETE_POSITIONS_OF, user_id=user_id)
            waiting = transaction.rows(_DELETE_EVENTS_OF, key=str(user_id))
            dead = transaction.rows(_DELETE_DEAD_LETTERS_OF, key=str(user_id))
            transaction.rows(_DELETE_IDEMPOTENCY_KEYS_OF, user_id=user_id)
            erase_viewer(transaction, user_id)
            forget_copies([row["movie_id"] for row in positions])
            return ErasedRows(len(positions), len(sessions), len(waiting) + len(dead))

        return self._database.run(work)
