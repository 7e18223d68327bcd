"""The rows of ``idempotency_keys``: the start that each key identifies.

Each method of ``IdempotencyKeys`` is a transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from streaming.domain.errors import IdempotencyKeyReused, RequestInProgress
from streaming.domain.idempotency import Attempt, IdempotencyKey
from streaming.repository.database import Database
from streaming.repository.pipeline_connection import Row, Statement

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

# By the places of the rows, which are locked and so do not move: to find them by their long keys,
# PostgreSQL would read the whole table.
_DELETE_OLD = """
    DELETE FROM idempotency_keys
    WHERE ctid = ANY(ARRAY(
        SELECT ctid
        FROM idempotency_keys
        WHERE created_at < :before
        ORDER BY created_at
        LIMIT :limit
        FOR UPDATE SKIP LOCKED
    ))
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
        claimed, known = self._database.pipeline(
            Statement(
                _CLAIM,
                {
                    "user_id": user_id,
                    "key": key.value,
                    "fingerprint": key.fingerprint,
                    "session_id": attempt.session_id,
                    "event_id": attempt.event_id,
                    "seconds": seconds,
                },
                keeps_plan=True,
            ),
            Statement(_SELECT, {"user_id": user_id, "key": key.value}, keeps_plan=True),
        )
        if claimed:
            return Attempt(claimed[0]["session_id"], claimed[0]["event_id"])
        return _earlier(known, key, attempt)

    def release(self, user_id: UUID, key: IdempotencyKey, attempt: Attempt) -> None:
        """Delete the key of a failed ``attempt``, so that its request can be repeated at once."""
        self._database.query(
            _RELEASE, user_id=user_id, key=key.value, session_id=attempt.session_id
        )

    def delete_old(self, before: datetime, limit: int) -> int:
        """Delete keys that are older than ``before``, at most ``limit``; return how many."""
        deleted = self._database.run(
            lambda transaction: transaction.rows(_DELETE_OLD, before=before, limit=limit)
        )
        return len(deleted)


def complete(user_id: UUID, key: IdempotencyKey, session_id: UUID) -> Statement:
    """Record that the session of ``key`` is open."""
    values = {"user_id": user_id, "key": key.value, "session_id": session_id}
    return Statement(_COMPLETE, values, keeps_plan=True)


def forget(user_id: UUID, session_id: UUID) -> Statement:
    """Delete the key of a session, so that it can be used for another request."""
    return Statement(_FORGET, {"user_id": user_id, "session_id": session_id})


def _earlier(known: Sequence[Row], key: IdempotencyKey, attempt: Attempt) -> Attempt:
    """Return the earlier attempt with ``key`` if it is complete, or raise."""
    if not known:
        # The earlier attempt failed between the two statements.
        raise RequestInProgress("a request with this Idempotency-Key has just failed")
    (row,) = known
    if row["fingerprint"] != key.fingerprint:
        raise IdempotencyKeyReused("this Idempotency-Key was sent with another request")
    if row["completed_at"] is not None:
        return Attempt(row["session_id"], row["event_id"], is_completed=True)
    if row["session_id"] == attempt.session_id:
        # The same claim was committed, and its answer was lost.
        return attempt
    raise RequestInProgress("a request with this Idempotency-Key is still running")
