"""The rows of ``stream_sessions``: who watches what, since when, and until when.

Each function runs within the caller's transaction. Whoever changes a session and a position locks
the session first: so a report and the end of its session never meet halfway, and never deadlock.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from streaming.domain.films import ManifestType
from streaming.domain.progress import Report
from streaming.domain.sessions import ClosedSession, LiveSession, NewSession, Session
from streaming.repository.transaction import Row, Transaction

_COLUMNS = "id, started_at, ended_at, end_reason, duration_seconds, film_duration_seconds"

_INSERT = """
    INSERT INTO stream_sessions (
        id, user_id, movie_id, manifest_type, film_duration_seconds,
        started_at, last_heartbeat_at, user_agent, ip_address
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

_CLOSED = """
    session.id, session.user_id, session.movie_id, session.ended_at,
    (
        SELECT progress.position_seconds
        FROM watch_progress AS progress
        WHERE progress.user_id = session.user_id AND progress.movie_id = session.movie_id
    ) AS position_seconds
"""

_END_SILENT = f"""
    WITH silent AS MATERIALIZED (
        SELECT id
        FROM stream_sessions
        WHERE ended_at IS NULL AND last_heartbeat_at < :silent_since
        ORDER BY last_heartbeat_at
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

_SELECT_FILMS_IN_USE = """
    SELECT movie_id, manifest_type
    FROM stream_sessions
    WHERE started_at > CAST(:now AS timestamptz) - make_interval(secs => :seconds)
    GROUP BY movie_id, manifest_type
    ORDER BY count(*) DESC
    LIMIT :limit
"""

# Who reports without a session's id may mean one that was abandoned, but not one of last month.
_LONGEST_PAUSE_WITHOUT_ID = timedelta(days=1)


def insert(transaction: Transaction, session: NewSession) -> bool:
    """Insert ``session``, once; tell whether it is new."""
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
    """Lock and return the session of that id if the user of ``report`` has it for the film."""
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
    """Note that the player of ``session``, which is locked, was there; reopen an abandoned one."""
    transaction.rows(_COUNT_HEARTBEAT if session.is_open else _REOPEN, session_id=session.id, at=at)


def end(transaction: Transaction, session: Session, at: datetime) -> int:
    """End ``session``, which is open and locked; return how many seconds it lasted."""
    row = transaction.row(_END, session_id=session.id, at=at)
    assert row is not None
    return int(row["duration_seconds"])


def keep_ended(transaction: Transaction, session: Session) -> None:
    """See to it that no late report reopens ``session``, which has ended and is locked."""
    if session.is_abandoned:
        transaction.rows(_KEEP_ENDED, session_id=session.id)


def end_silent(transaction: Transaction, silent_since: datetime, limit: int) -> list[ClosedSession]:
    """End the sessions without a heartbeat since then, each at its last one, at most ``limit``.

    Sessions whose player reports at this moment are passed over.
    """
    rows = transaction.rows(_END_SILENT, silent_since=silent_since, limit=limit)
    return [ClosedSession(**row) for row in rows]


def take_over(
    transaction: Transaction, user_id: UUID, session_ids: Sequence[UUID], at: datetime
) -> list[ClosedSession]:
    """End those of the user's sessions that are open, in favour of another one, oldest first."""
    ids = [str(session_id) for session_id in session_ids]
    locked = transaction.rows(_LOCK_OPEN, user_id=user_id, ids=ids)
    if not locked:
        return []
    rows = transaction.rows(_TAKE_OVER, ids=[str(row["id"]) for row in locked], at=at)
    return sorted((ClosedSession(**row) for row in rows), key=lambda session: session.id)


def find(transaction: Transaction, user_id: UUID, session_ids: Sequence[UUID]) -> list[LiveSession]:
    """Return those of the user's sessions that are on record."""
    ids = [str(session_id) for session_id in session_ids]
    rows = transaction.rows(_SELECT, user_id=user_id, ids=ids)
    return [LiveSession(**row) for row in rows]


def find_last_heartbeat(
    transaction: Transaction, user_id: UUID, session_id: UUID
) -> datetime | None:
    """Return when the player of the user's session was last heard of; None unless it is open."""
    row = transaction.row(_SELECT_OPEN, user_id=user_id, session_id=session_id)
    return row["last_heartbeat_at"] if row else None


def find_films_in_use(
    transaction: Transaction, now: datetime, seconds: int, limit: int
) -> list[tuple[UUID, ManifestType]]:
    """Return the films started in the last ``seconds`` and their form, most started first."""
    rows = transaction.rows(_SELECT_FILMS_IN_USE, now=now, seconds=seconds, limit=limit)
    return [(row["movie_id"], row["manifest_type"]) for row in rows]


def _to_session(row: Row | None) -> Session | None:
    return Session(**row) if row else None
