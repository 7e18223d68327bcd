"""The rows of ``watch_progress``: how far each user has watched each film.

Each function runs within the caller's transaction.
"""

from uuid import UUID

from streaming import clock
from streaming.database import Row, Transaction
from streaming.identifiers import uuid7
from streaming.progress import Report, ReportOrder, SavedProgress

_COLUMNS = """
    user_id, movie_id, position_seconds, last_watched_at, duration_seconds, completed,
    session_id, sequence, version
"""

# The rule of streaming.progress.supersedes, and its is_completed.
_UPSERT = f"""
    INSERT INTO watch_progress AS saved (
        id, user_id, movie_id, position_seconds, duration_seconds, completed,
        session_id, sequence, created_at, updated_at, last_watched_at
    )
    VALUES (
        :id, :user_id, :movie_id, CAST(:position_seconds AS integer),
        CAST(:duration_seconds AS integer),
        coalesce(
            CAST(:position_seconds AS integer) >= 0.9 * CAST(:duration_seconds AS integer), false
        ),
        :session_id, :sequence, :at, :at, :at
    )
    ON CONFLICT (user_id, movie_id) DO UPDATE
    SET position_seconds = excluded.position_seconds,
        duration_seconds = coalesce(excluded.duration_seconds, saved.duration_seconds),
        completed = coalesce(
            excluded.position_seconds
                >= 0.9 * coalesce(excluded.duration_seconds, saved.duration_seconds),
            false
        ),
        session_id = coalesce(excluded.session_id, saved.session_id),
        sequence = coalesce(excluded.sequence, saved.sequence),
        version = saved.version + 1,
        updated_at = excluded.updated_at,
        last_watched_at = greatest(excluded.last_watched_at, saved.last_watched_at)
    WHERE excluded.sequence IS NULL
        OR saved.sequence IS NULL
        OR (excluded.session_id, excluded.sequence) > (saved.session_id, saved.sequence)
    RETURNING {_COLUMNS}
"""  # noqa: S608

_SELECT = f"""
    SELECT {_COLUMNS}
    FROM watch_progress
    WHERE user_id = :user_id AND movie_id = :movie_id
"""  # noqa: S608

_SELECT_TO_CONTINUE = f"""
    SELECT {_COLUMNS}
    FROM watch_progress
    WHERE user_id = :user_id AND NOT completed
    ORDER BY last_watched_at DESC
    LIMIT :limit
"""  # noqa: S608


def upsert(
    transaction: Transaction, report: Report, film_duration_seconds: int | None
) -> SavedProgress | None:
    """Save the position of ``report``; None when the record is later than the report."""
    order = report.order
    row = transaction.row(
        _UPSERT,
        id=uuid7(clock.milliseconds(report.reported_at)),
        user_id=report.user_id,
        movie_id=report.movie_id,
        position_seconds=report.position_seconds,
        duration_seconds=film_duration_seconds,
        session_id=order.session_id if order else None,
        sequence=order.sequence if order else None,
        at=report.reported_at,
    )
    return _to_progress(row) if row else None


def find(transaction: Transaction, user_id: UUID, movie_id: UUID) -> SavedProgress | None:
    """Return the user's progress in the film, or None."""
    row = transaction.row(_SELECT, user_id=user_id, movie_id=movie_id)
    return _to_progress(row) if row else None


def find_to_continue(transaction: Transaction, user_id: UUID, limit: int) -> list[SavedProgress]:
    """Return the user's begun and not completed films, newest first, at most ``limit``."""
    rows = transaction.rows(_SELECT_TO_CONTINUE, user_id=user_id, limit=limit)
    return [_to_progress(row) for row in rows]


def _to_progress(row: Row) -> SavedProgress:
    order = ReportOrder(row["session_id"], row["sequence"]) if row["session_id"] else None
    return SavedProgress(
        user_id=row["user_id"],
        movie_id=row["movie_id"],
        position_seconds=row["position_seconds"],
        last_watched_at=row["last_watched_at"],
        duration_seconds=row["duration_seconds"],
        completed=row["completed"],
        order=order,
        version=row["version"],
    )
