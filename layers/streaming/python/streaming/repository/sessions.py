"""The rows of ``stream_sessions``: the sessions of users, open and ended.

Each function runs within the caller's transaction. A transaction that changes a session and a
position locks the session first, so a report and the end of its session cannot deadlock.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from streaming.domain.progress import Report
from streaming.domain.sessions import LiveSession, NewSession, Session
from streaming.repository.transaction import Row, Transaction

_COLUMNS = "id, started_at, ended_at, end_reason, duration_seconds, film_duration_seconds"

_INSERT = """
    INSERT INTO stream_sessions (
        id, user_id, movie_id, manifest_type, film_duration_seconds,
        started_at, last_heartbeat_at, player_agent, player_address
    )
    VALUES (
        :id, :user_id, :movie_id, :manifest_type, :film_duration_seconds,
        :started_at, :started_at, :user_agent, :ip_address
    )
    ON CONFLICT (id) DO NOTHING
    RETURNING id
"""

_LOCK = f"""
    SELECT {_COLUMNS}
    FROM stream_sessions
    WHERE id = :session_id AND user_id = :user_id AND movie_id = :movie_id
    FOR NO KEY UPDATE
"""  # noqa: S608

_LOCK_LATEST = f"""
    SELECT {_COLUMNS}
    FROM stream_sessions
    WHERE user_id = :user_id AND movie_id = :movie_id AND ended_at IS NULL
    ORDER BY id DESC
    LIMIT 1
    FOR NO KEY UPDATE
"""  # noqa: S608

_LOCK_LATEST_ABANDONED = f"""
    SELECT {_COLUMNS}
    FROM stream_sessions
    WHERE id = (
        SELECT id
        FROM stream_sessions
        WHERE user_id = :user_id AND movie_id = :movie_id
        ORDER BY id DESC
        LIMIT 1
    )
        AND end_reason = 'abandoned'
        AND last_heartbeat_at > :since
    FOR NO KEY UPDATE
"""  # noqa: S608

_COUNT_HEARTBEAT = """
    UPDATE stream_sessions
    SET last_heartbeat_at = greatest(last_heartbeat_at, :at)
    WHERE id = :session_id
"""

_REOPEN = """
    UPDATE stream_sessions
    SET ended_at = NULL,
        end_reason = NULL,
        duration_seconds = NULL,
        last_heartbeat_at = greatest(last_heartbeat_at, :at)
    WHERE id = :session_id
"""

_END = """
    UPDATE stream_sessions
    SET ended_at = greatest(started_at, :at),
        last_heartbeat_at = greatest(last_heartbeat_at, :at),
        duration_seconds = greatest(0, extract(epoch FROM CAST(:at AS timestamptz) - started_at))
    WHERE id = :session_id
    RETURNING duration_seconds
"""

_KEEP_ENDED = """
    UPDATE stream_sessions
    SET end_reason = NULL
    WHERE id = :session_id
"""

_SELECT = """
    SELECT id AS session_id, movie_id, started_at, last_heartbeat_at
    FROM stream_sessions
    WHERE user_id = :user_id AND id = ANY(CAST(:ids AS uuid[]))
"""

_SELECT_OPEN = """
    SELECT last_heartbeat_at
    FROM stream_sessions
    WHERE user_id = :user_id AND id = :session_id AND ended_at IS NULL
"""

# A report without a session's id reopens an abandoned session only if that is recent.
_LONGEST_PAUSE_WITHOUT_ID = timedelta(days=1)


def insert(transaction: Transaction, session: NewSession) -> bool:
    """Insert ``session`` unless it exists already; return whether it was inserted."""
    inserted = transaction.row(
        _INSERT,
        id=session.id,
        user_id=session.user_id,
        movie_id=session.movie_id,
        manifest_type=session.manifest_type,
        film_duration_seconds=session.film_duration_seconds,
        started_at=session.started_at,
        user_agent=session.user_agent,
        ip_address=session.ip_address,
    )
    return inserted is not None


def lock(transaction: Transaction, session_id: UUID, report: Report) -> Session | None:
    """Lock and return the session with this id; None unless it has the report's user and film."""
    user_id, movie_id = report.user_id, report.movie_id
    return _to_session(
        transaction.row(_LOCK, session_id=session_id, user_id=user_id, movie_id=movie_id)
    )


def lock_latest(transaction: Transaction, report: Report) -> Session | None:
    """Lock and return the user's latest open session of the film of ``report``."""
    return _to_session(
        transaction.row(_LOCK_LATEST, user_id=report.user_id, movie_id=report.movie_id)
    )


def lock_latest_abandoned(transaction: Transaction, report: Report) -> Session | None:
    """Lock and return the user's latest session of the film if it was abandoned within a day."""
    return _to_session(
        transaction.row(
            _LOCK_LATEST_ABANDONED,
            user_id=report.user_id,
            movie_id=report.movie_id,
            since=report.reported_at - _LONGEST_PAUSE_WITHOUT_ID,
        )
    )


def count_heartbeat(transaction: Transaction, session: Session, at: datetime) -> None:
    """Record a heartbeat of ``session``, which is locked; reopen an abandoned one."""
    transaction.rows(_COUNT_HEARTBEAT if session.is_open else _REOPEN, session_id=session.id, at=at)


def end(transaction: Transaction, session: Session, at: datetime) -> int:
    """End ``session``, which is open and locked; return how many seconds it lasted."""
    row = transaction.row(_END, session_id=session.id, at=at)
    assert row is not None
    return int(row["duration_seconds"])


def keep_ended(transaction: Transaction, session: Session) -> None:
    """Prevent late reports from reopening ``session``, which has ended and is locked."""
    if session.is_abandoned:
        transaction.rows(_KEEP_ENDED, session_id=session.id)


def find(transaction: Transaction, user_id: UUID, session_ids: Sequence[UUID]) -> list[LiveSession]:
    """Return those of these sessions that exist and belong to the user."""
    ids = [str(session_id) for session_id in session_ids]
    rows = transaction.rows(_SELECT, user_id=user_id, ids=ids)
    return [LiveSession(**row) for row in rows]


def find_last_heartbeat(
    transaction: Transaction, user_id: UUID, session_id: UUID
) -> datetime | None:
    """Return the last heartbeat of the user's session; None unless it is open."""
    row = transaction.row(_SELECT_OPEN, user_id=user_id, session_id=session_id)
    return row["last_heartbeat_at"] if row else None


def _to_session(row: Row | None) -> Session | None:
    return Session(**row) if row else None
