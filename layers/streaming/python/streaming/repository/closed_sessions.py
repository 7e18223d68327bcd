"""Ends sessions that their player did not stop: abandoned ones and those taken over.

Each function runs within the caller's transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from streaming.domain.sessions import ClosedSession
from streaming.repository.transaction import Transaction

_CLOSED = """
    session.id, session.user_id, session.movie_id, session.ended_at,
    (
        SELECT progress.position_seconds
        FROM watch_progress AS progress
        WHERE progress.user_id = session.user_id AND progress.movie_id = session.movie_id
    ) AS position_seconds
"""

# Reads all open sessions: an index of last_heartbeat_at would be written by every report.
_END_SILENT = f"""
    WITH silent AS MATERIALIZED (
        SELECT id
        FROM stream_sessions
        WHERE ended_at IS NULL AND last_heartbeat_at < :silent_since
        ORDER BY id
        LIMIT :limit
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE stream_sessions AS session
    SET ended_at = session.last_heartbeat_at,
        end_reason = 'abandoned',
        duration_seconds = greatest(
            0, extract(epoch FROM session.last_heartbeat_at - session.started_at)
        )
    FROM silent
    WHERE session.id = silent.id
    RETURNING {_CLOSED}, 'abandoned' AS reason
"""  # noqa: S608

_LOCK_OPEN = """
    SELECT id
    FROM stream_sessions
    WHERE user_id = :user_id AND id = ANY(CAST(:ids AS uuid[])) AND ended_at IS NULL
    ORDER BY id
    FOR NO KEY UPDATE
"""

_TAKE_OVER = f"""
    UPDATE stream_sessions AS session
    SET ended_at = greatest(session.started_at, :at),
        end_reason = 'taken_over',
        duration_seconds = greatest(
            0, extract(epoch FROM CAST(:at AS timestamptz) - session.started_at)
        )
    WHERE session.id = ANY(CAST(:ids AS uuid[]))
    RETURNING {_CLOSED}, 'taken_over' AS reason
"""  # noqa: S608


def end_silent(transaction: Transaction, silent_since: datetime, limit: int) -> list[ClosedSession]:
    """End at most ``limit`` sessions that had no heartbeat since ``silent_since``; return them.

    Takes the first started, ends each at its last heartbeat, and returns them in the order of their
    ends. Skips sessions that a report has locked.
    """
    rows = transaction.rows(_END_SILENT, silent_since=silent_since, limit=limit)
    return sorted((ClosedSession(**row) for row in rows), key=attrgetter("ended_at"))


def take_over(
    transaction: Transaction, user_id: UUID, session_ids: Sequence[UUID], at: datetime
) -> list[ClosedSession]:
    """End those of these sessions of the user that are open; return them, oldest first."""
    if not session_ids:
        return []
    ids = [str(session_id) for session_id in session_ids]
    locked = transaction.rows(_LOCK_OPEN, user_id=user_id, ids=ids)
    if not locked:
        return []
    rows = transaction.rows(_TAKE_OVER, ids=[str(row["id"]) for row in locked], at=at)
    return sorted((ClosedSession(**row) for row in rows), key=lambda session: session.id)
