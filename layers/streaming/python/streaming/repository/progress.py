"""The rows of ``watch_progress``: how far each user has watched each film.

The functions run within the caller's transaction; each method of ``ProgressRecord`` is one.
"""

from datetime import datetime
from uuid import UUID

from streaming.domain import clock
from streaming.domain.identifiers import uuid7
from streaming.domain.progress import COMPLETED_AT, Report, ReportOrder, SavedProgress
from streaming.repository.database import Database
from streaming.repository.transaction import Row, Transaction

_COLUMNS = """
    user_id, movie_id, position_seconds, last_watched_at, duration_seconds, completed,
    session_id, sequence, version,
    completed_at, times_completed, removed_at IS NOT NULL AS is_removed, now() AS recorded_at
"""

_FILM_DURATION = """
    (SELECT films.duration_seconds FROM films WHERE films.movie_id = {table}.movie_id)
        AS film_duration_seconds
"""

_WAS_WATCHED_LATER = """CASE
        WHEN excluded.session_id = saved.session_id THEN excluded.sequence > saved.sequence
        ELSE CAST(:is_fresh AS boolean) OR excluded.last_watched_at >= saved.last_watched_at
    END"""

# Records the report's sequence in its session before the upsert decides whether the report counts:
# in one statement, while the session is locked.
_NOTE_SEQUENCE = """
    WITH noted AS (
        UPDATE stream_sessions
        SET last_sequence = :sequence
        WHERE id = CAST(:session_id AS uuid)
            AND (last_sequence IS NULL OR last_sequence < CAST(:sequence AS bigint))
        RETURNING id
    )
"""
_IS_COMPLETED_NOW = f"""excluded.position_seconds
                >= {COMPLETED_AT} * coalesce(excluded.duration_seconds, saved.duration_seconds)"""
_WAS_COMPLETED_BEFORE = f"""saved.completed
            AND saved.position_seconds >= {COMPLETED_AT} * saved.duration_seconds"""

_UPSERT = f"""
    {_NOTE_SEQUENCE}
    INSERT INTO watch_progress AS saved (
        id, user_id, movie_id, position_seconds, duration_seconds, completed,
        session_id, sequence, created_at, updated_at, last_watched_at,
        completed_at, times_completed
    )
    SELECT
        :id, :user_id, :movie_id, seen.position_seconds, seen.duration_seconds, seen.completed,
        CAST(:session_id AS uuid), CAST(:sequence AS bigint), :at, :at, seen.made_at,
        CASE WHEN seen.completed THEN seen.made_at END,
        CASE WHEN seen.completed THEN 1 ELSE 0 END
    FROM (
        SELECT
            CAST(:position_seconds AS integer) AS position_seconds,
            CAST(:duration_seconds AS integer) AS duration_seconds,
            coalesce(
                CAST(:position_seconds AS integer)
                    >= {COMPLETED_AT} * CAST(:duration_seconds AS integer),
                false
            ) AS completed,
            CAST(:made_at AS timestamptz) AS made_at
    ) AS seen
    WHERE CAST(:sequence AS bigint) IS NULL OR EXISTS (SELECT FROM noted)
    ON CONFLICT (user_id, movie_id) DO UPDATE
    SET position_seconds = excluded.position_seconds,
        duration_seconds = coalesce(excluded.duration_seconds, saved.duration_seconds),
        completed = saved.completed OR coalesce(
            {_IS_COMPLETED_NOW},
            false
        ),
        completed_at = CASE
            WHEN NOT coalesce({_IS_COMPLETED_NOW}, false)
                OR coalesce({_WAS_COMPLETED_BEFORE}, false)
            THEN saved.completed_at
            ELSE excluded.last_watched_at
        END,
        times_completed = saved.times_completed + CASE
            WHEN NOT coalesce({_IS_COMPLETED_NOW}, false)
                OR coalesce({_WAS_COMPLETED_BEFORE}, false)
            THEN 0
            ELSE 1
        END,
        removed_at = NULL,
        session_id = coalesce(excluded.session_id, saved.session_id),
        sequence = coalesce(excluded.sequence, saved.sequence),
        version = saved.version + 1,
        updated_at = excluded.updated_at,
        last_watched_at = greatest(excluded.last_watched_at, saved.last_watched_at)
    WHERE {_WAS_WATCHED_LATER}
    RETURNING {_COLUMNS}, {_FILM_DURATION.format(table="saved")}
"""  # noqa: S608

_SELECT = f"""
    SELECT {_COLUMNS}, {_FILM_DURATION.format(table="watch_progress")}
    FROM watch_progress
    WHERE user_id = :user_id AND movie_id = :movie_id
"""  # noqa: S608

_SELECT_TO_CONTINUE = f"""
    SELECT saved.*, films.duration_seconds AS film_duration_seconds
    FROM (
        SELECT {_COLUMNS}
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
    RETURNING {_COLUMNS}, {_FILM_DURATION.format(table="saved")}
"""  # noqa: S608


class ProgressRecord:
    """The positions of users in films. Each method raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, user_id: UUID, movie_id: UUID) -> SavedProgress | None:
        """Return the user's progress in the film, with the film's present duration, or None."""
        return self._database.read(lambda transaction: find(transaction, user_id, movie_id))

    def find_to_continue(
        self, user_id: UUID, limit: int, min_seconds: int, min_share: float
    ) -> list[SavedProgress]:
        """Return at most ``limit`` films that the user started and never completed, newest first.

        A film is started from ``min_seconds`` or ``min_share`` of its duration on, whichever is
        less; a film of unknown duration from its first second on.
        """
        rows = self._database.read(
            lambda transaction: transaction.rows(
                _SELECT_TO_CONTINUE,
                user_id=user_id,
                limit=limit,
                min_seconds=min_seconds,
                min_share=min_share,
            )
        )
        return [_to_progress(row) for row in rows]

    def remove(self, user_id: UUID, movie_id: UUID, at: datetime) -> SavedProgress | None:
        """Remove the user's position in the film; return the changed record, if there is one.

        The record still contains whether and when the user completed the film.
        """
        row = self._database.run(
            lambda transaction: transaction.row(_REMOVE, user_id=user_id, movie_id=movie_id, at=at)
        )
        return _to_progress(row) if row else None


def upsert(
    transaction: Transaction,
    report: Report,
    session_started_at: datetime | None,
    film_duration_seconds: int | None,
) -> SavedProgress | None:
    """Save the position of ``report``; return None if the saved position is newer."""
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
        made_at=report.made_at(session_started_at),
        is_fresh=not report.age_seconds,
    )
    return _to_progress(row) if row else None


def find(transaction: Transaction, user_id: UUID, movie_id: UUID) -> SavedProgress | None:
    """Return the user's progress in the film, with the film's present duration, or None."""
    row = transaction.row(_SELECT, user_id=user_id, movie_id=movie_id)
    return _to_progress(row) if row else None


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
        completed_at=row["completed_at"],
        times_completed=row["times_completed"],
        is_removed=row["is_removed"],
        film_duration_seconds=row.get("film_duration_seconds"),
        recorded_at=row["recorded_at"],
    )
