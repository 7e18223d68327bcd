"""The rows of ``idempotency_keys``: the start that each key identifies.

The functions run within the caller's transaction; each method of ``IdempotencyKeys`` is one.
"""

from datetime import datetime
from uuid import UUID

from streaming.domain.errors import IdempotencyKeyReused, RequestInProgress
from streaming.domain.idempotency import Attempt, IdempotencyKey
from streaming.repository.database import Database
from streaming.repository.transaction import Transaction

# An expired attempt is continued with its own ids.
_CLAIM = """
    INSERT INTO idempotency_keys AS known (
        user_id, key, fingerprint, session_id, event_id, running_until
    )
    VALUES (
        :user_id, :key, :fingerprint, :session_id, :event_id,
        now() + make_interval(secs => :seconds)
    )
    ON CONFLICT (user_id, key) DO UPDATE
    SET running_until = excluded.running_until
    WHERE known.completed_at IS NULL
        AND known.running_until < now()
        AND known.fingerprint = excluded.fingerprint
    RETURNING session_id, event_id
"""

_SELECT = """
    SELECT fingerprint, session_id, event_id, completed_at
    FROM idempotency_keys
    WHERE user_id = :user_id AND key = :key
"""

_COMPLETE = """
    UPDATE idempotency_keys
    SET completed_at = now()
    WHERE user_id = :user_id AND key = :key AND session_id = :session_id
"""

_RELEASE = """
    DELETE FROM idempotency_keys
    WHERE user_id = :user_id AND key = :key AND session_id = :session_id AND completed_at IS NULL
"""

_FORGET = "DELETE FROM idempotency_keys WHERE user_id = :user_id AND session_id = :session_id"

_DELETE_OLD = """
    DELETE FROM idempotency_keys
    WHERE (user_id, key) IN (
        SELECT user_id, key
        FROM idempotency_keys
        WHERE created_at < :before
        ORDER BY created_at
        LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    RETURNING 1 AS deleted
"""


class IdempotencyKeys:
    """The keys of starts. Each method raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self, user_id: UUID, key: IdempotencyKey, attempt: Attempt, seconds: float
    ) -> Attempt:
        """Start ``attempt`` with ``key`` for at most ``seconds``, or return the earlier attempt.

        Raises ``IdempotencyKeyReused`` if the key was sent with another request, and
        ``RequestInProgress`` while an attempt is running.
        """
        return self._database.run(
            lambda transaction: _claim(transaction, user_id, key, attempt, seconds)
        )

    def release(self, user_id: UUID, key: IdempotencyKey, attempt: Attempt) -> None:
        """Delete the key of a failed ``attempt``, so that its request can be repeated at once."""
        self._database.run(
            lambda transaction: transaction.rows(
                _RELEASE, user_id=user_id, key=key.value, session_id=attempt.session_id
            )
        )

    def delete_old(self, before: datetime, limit: int) -> int:
        """Delete keys that are older than ``before``, at most ``limit``; return how many."""
        deleted = self._database.run(
            lambda transaction: transaction.rows(_DELETE_OLD, before=before, limit=limit)
        )
        return len(deleted)


def complete(
    transaction: Transaction, user_id: UUID, key: IdempotencyKey, session_id: UUID
) -> None:
    """Record that the session of ``key`` is open."""
    transaction.rows(_COMPLETE, user_id=user_id, key=key.value, session_id=session_id)


def forget(transaction: Transaction, user_id: UUID, session_id: UUID) -> None:
    """Delete the key of a session, so that it can be used for another request."""
    transaction.rows(_FORGET, user_id=user_id, session_id=session_id)


def _claim(
    transaction: Transaction, user_id: UUID, key: IdempotencyKey, attempt: Attempt, seconds: float
) -> Attempt:
    claimed = transaction.row(
        _CLAIM,
        user_id=user_id,
        key=key.value,
        fingerprint=key.fingerprint,
        session_id=attempt.session_id,
        event_id=attempt.event_id,
        seconds=seconds,
    )
    if claimed is not None:
        return Attempt(claimed["session_id"], claimed["event_id"])
    known = transaction.row(_SELECT, user_id=user_id, key=key.value)
    if known is None:
        # The earlier attempt failed between the two statements.
        raise RequestInProgress("a request with this Idempotency-Key has just failed")
    if known["fingerprint"] != key.fingerprint:
        raise IdempotencyKeyReused("this Idempotency-Key was sent with another request")
    if known["completed_at"] is None:
        raise RequestInProgress("a request with this Idempotency-Key is still running")
    return Attempt(known["session_id"], known["event_id"], is_completed=True)
