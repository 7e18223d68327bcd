"""The rows of ``watch_progress``: how far each user has watched each film.

Each method of ``ProgressRecord`` is a transaction.
"""

from datetime import datetime
from uuid import UUID

from streaming.domain.progress import ReportOrder, SavedProgress
from streaming.repository.database import Database
from streaming.repository.pipeline_connection import Row, Statement

COLUMNS = """
    user_id, movie_id, position_seconds, last_watched_at, duration_seconds, completed,
    session_id, sequence, version,
    completed_at, times_completed, removed_at IS NOT NULL AS is_removed, now() AS recorded_at
"""
"""With ``FILM_DURATION``: the columns that ``to_progress`` reads."""

FILM_DURATION = """
    (SELECT films.duration_seconds FROM films WHERE films.movie_id = {table}.movie_id)
        AS film_duration_seconds
"""

_SELECT = f"""
    SELECT {COLUMNS}, {FILM_DURATION.format(table="watch_progress")}
    FROM watch_progress
    WHERE user_id = :user_id AND movie_id = :movie_id
"""  # noqa: S608

_SELECT_TO_CONTINUE = f"""
    SELECT saved.*, films.duration_seconds AS film_duration_seconds
    FROM (
        SELECT {COLUMNS}
        FROM watch_progress
        WHERE user_id = :user_id AND NOT completed AND removed_at IS NULL
    ) AS saved
    LEFT JOIN films USING (movie_id)
    WHERE (
            films.is_there
            -- The former version opens sessions without recording the film.
            OR films.movie_id IS NULL
                AND EXISTS (
                    SELECT FROM stream_sessions AS session
                    WHERE session.movie_id = saved.movie_id
                )
        )
        AND position_seconds >= CASE
            WHEN coalesce(films.duration_seconds, saved.duration_seconds) IS NULL THEN 1
            ELSE least(
                CAST(:min_seconds AS float8),
                CAST(:min_share AS float8)
                    * coalesce(films.duration_seconds, saved.duration_seconds)
            )
        END
    ORDER BY last_watched_at DESC
    LIMIT :limit
"""  # noqa: S608

# Session and sequence stay, so that earlier reports of that session have no effect.
_REMOVE = f"""
    UPDATE watch_progress AS saved
    SET position_seconds = 0,
        removed_at = :at,
        version = version + 1,
        updated_at = :at,
        last_watched_at = greatest(last_watched_at, :at)
    WHERE user_id = :user_id AND movie_id = :movie_id
    RETURNING {COLUMNS}, {FILM_DURATION.format(table="saved")}
"""  # noqa: S608


class ProgressRecord:
    """The positions of users in films. Each method raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, user_id: UUID, movie_id: UUID) -> SavedProgress | None:
        """Return the user's progress in the film, with the film's present duration, or None."""
        rows = self._database.query(_SELECT, user_id=user_id, movie_id=movie_id)
        return to_progress(rows[0]) if rows else None

    def find_to_continue(
        self, user_id: UUID, limit: int, min_seconds: int, min_share: float
    ) -> list[SavedProgress]:
        """Return at most ``limit`` films that the user started and never completed, newest first.

        A film is started from ``min_seconds`` or ``min_share`` of its duration on, whichever is
        less; a film of unknown duration from its first second on.
        """
        rows = self._database.query(
            _SELECT_TO_CONTINUE,
            user_id=user_id,
            limit=limit,
            min_seconds=min_seconds,
            min_share=min_share,
        )
        return [to_progress(row) for row in rows]

    def remove(self, user_id: UUID, movie_id: UUID, at: datetime) -> SavedProgress | None:
        """Remove the user's position in the film; return the changed record, if there is one.

        The record still contains whether and when the user completed the film.
        """
        row = self._database.run(
            lambda transaction: transaction.row(_REMOVE, user_id=user_id, movie_id=movie_id, at=at)
        )
        return to_progress(row) if row else None


def select(user_id: UUID, movie_id: UUID) -> Statement:
    """Select the user's progress in the film."""
    return Statement(_SELECT, {"user_id": user_id, "movie_id": movie_id}, keeps_plan=True)


def to_progress(row: Row) -> SavedProgress:
    """Return the progress of a row with ``COLUMNS``."""
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
        completed_at=row["completed_at"],
        times_completed=row["times_completed"],
        is_removed=row["is_removed"],
        film_duration_seconds=row.get("film_duration_seconds"),
        recorded_at=row["recorded_at"],
    )
