"""The rows of ``films``: which films were ever started or reported, and which still exist."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from streaming.domain import clock
from streaming.domain.films import ManifestType
from streaming.domain.identifiers import first_uuid7
from streaming.repository.database import Database
from streaming.repository.pipeline_connection import Statement
from streaming.repository.transaction import Transaction

# Writes and locks only if a value changes: many viewers start the same film at once.
_KEEP = """
    INSERT INTO films AS known (movie_id, is_there, duration_seconds, checked_at)
    SELECT :movie_id, true, CAST(:duration_seconds AS integer), :at
    WHERE NOT EXISTS (
        SELECT FROM films
        WHERE movie_id = :movie_id
            AND is_there
            AND duration_seconds IS NOT DISTINCT FROM
                coalesce(CAST(:duration_seconds AS integer), duration_seconds)
    )
    ON CONFLICT (movie_id) DO UPDATE
    SET is_there = true,
        duration_seconds = coalesce(excluded.duration_seconds, known.duration_seconds),
        checked_at = excluded.checked_at
"""

_MARK = """
    UPDATE films
    SET is_there = CAST(:is_there AS boolean), checked_at = :at
    WHERE movie_id = :movie_id
"""

_MARK_ALL = """
    UPDATE films
    SET is_there = checked.is_there, checked_at = :at
    FROM unnest(CAST(:movie_ids AS uuid[]), CAST(:are_there AS boolean[]))
        AS checked (movie_id, is_there)
    WHERE films.movie_id = checked.movie_id
"""

_SELECT_IS_THERE = "SELECT is_there FROM films WHERE movie_id = :movie_id"

_HAS_POSITION = "SELECT 1 FROM watch_progress WHERE user_id = :user_id AND movie_id = :movie_id"
_HAS_SESSION = "SELECT 1 FROM stream_sessions WHERE movie_id = :movie_id LIMIT 1"

# Serialises the reports of one user, so that the count is exact.
_LOCK_USER = "SELECT pg_advisory_xact_lock(hashtextextended(:user_id, 5))"
_COUNT_UNCONFIRMED = """
    SELECT count(*) AS films
    FROM watch_progress
    LEFT JOIN films USING (movie_id)
    WHERE user_id = :user_id AND films.is_there IS NOT TRUE
"""
_ADD_UNCONFIRMED = """
    INSERT INTO films (movie_id)
    VALUES (:movie_id)
    ON CONFLICT (movie_id) DO NOTHING
"""

_SELECT_DUE = """
    SELECT movie_id
    FROM films
    WHERE checked_at IS NULL OR checked_at < :before
    ORDER BY checked_at NULLS FIRST
    LIMIT :limit
"""

# Positions in a film that is not in the bucket and that has no sessions.
_DELETE_POSITIONS_OF_NO_FILM = """
    DELETE FROM watch_progress
    WHERE id IN (
        SELECT progress.id
        FROM films
        JOIN watch_progress AS progress USING (movie_id)
        WHERE films.is_there = false
            AND films.created_at < :before
            AND NOT EXISTS (
                SELECT FROM stream_sessions AS session
                WHERE session.movie_id = films.movie_id
            )
            AND progress.last_watched_at < :before
        LIMIT :limit
    )
    RETURNING 1 AS deleted
"""

_DELETE_NO_FILMS = """
    DELETE FROM films
    WHERE is_there = false
        AND created_at < :before
        AND NOT EXISTS (
            SELECT FROM watch_progress AS progress WHERE progress.movie_id = films.movie_id
        )
"""

# From the sessions: which films were started is not in the rows of ``films``. Ids of sessions begin
# with their time, so the primary key finds the new ones.
_SELECT_IN_USE = """
    SELECT movie_id, manifest_type
    FROM stream_sessions
    WHERE id >= :first_id AND started_at > :since
    GROUP BY movie_id, manifest_type
    ORDER BY count(*) DESC
    LIMIT :limit
"""


class Films:
    """The known films, and whether the bucket contained them at the last check.

    Each method is a transaction, and raises ``DatabaseUnavailable``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, movie_id: UUID, duration_seconds: int | None, at: datetime) -> None:
        """Record that the film exists, and its duration in seconds if that is known."""
        self._database.pipeline(keep(movie_id, duration_seconds, at))

    def mark(self, movie_id: UUID, at: datetime, *, is_there: bool) -> None:
        """Record whether the bucket contains the film. Ignores a film without a row."""
        self._database.query(_MARK, movie_id=movie_id, at=at, is_there=is_there)

    def mark_all(self, found: Mapping[UUID, bool], at: datetime) -> None:
        """Record for each film whether the bucket contains it, as ``mark`` does."""
        if found:
            movie_ids = [str(movie_id) for movie_id in found]
            self._database.query(
                _MARK_ALL, movie_ids=movie_ids, are_there=list(found.values()), at=at
            )

    def find_due(self, before: datetime, limit: int) -> list[UUID]:
        """Return films that were not checked since ``before``, the longest unchecked first."""
        rows = self._database.query(_SELECT_DUE, before=before, limit=limit)
        return [row["movie_id"] for row in rows]

    def find_in_use(
        self, now: datetime, seconds: int, limit: int
    ) -> list[tuple[UUID, ManifestType]]:
        """Return films and manifest types started in the last ``seconds``, most started first."""
        since = now - timedelta(seconds=seconds)
        first_id = first_uuid7(clock.milliseconds(since))
        rows = self._database.query(_SELECT_IN_USE, first_id=first_id, since=since, limit=limit)
        return [(row["movie_id"], row["manifest_type"]) for row in rows]

    def delete_no_films(self, before: datetime, limit: int) -> int:
        """Delete old positions in films that never existed; return how many."""

        def work(transaction: Transaction) -> int:
            deleted = transaction.rows(_DELETE_POSITIONS_OF_NO_FILM, before=before, limit=limit)
            transaction.rows(_DELETE_NO_FILMS, before=before)
            return len(deleted)

        return self._database.run(work)


def keep(movie_id: UUID, duration_seconds: int | None, at: datetime) -> Statement:
    """Record that the film exists, as ``Films.keep`` does."""
    values = {"movie_id": movie_id, "duration_seconds": duration_seconds, "at": at}
    return Statement(_KEEP, values, keeps_plan=True)


def admit(
    transaction: Transaction, user_id: UUID, movie_id: UUID, at: datetime, most_unconfirmed: int
) -> bool:
    """Return whether the user may save a position in a film without a session of it.

    This is permitted for a film that is known to exist, for a film in which the user already has a
    position, and for at most ``most_unconfirmed`` other films, which housekeeping checks later.
    Runs within the caller's transaction.
    """
    known = transaction.row(_SELECT_IS_THERE, movie_id=movie_id)
    if known is not None and known["is_there"]:
        return True
    # During a deployment the former version may open sessions without recording the film.
    if known is None and transaction.row(_HAS_SESSION, movie_id=movie_id):
        transaction.run(keep(movie_id, None, at))
        return True
    if transaction.row(_HAS_POSITION, user_id=user_id, movie_id=movie_id):
        if known is None:
            transaction.rows(_ADD_UNCONFIRMED, movie_id=movie_id)
        return True
    transaction.rows(_LOCK_USER, user_id=str(user_id))
    count = transaction.row(_COUNT_UNCONFIRMED, user_id=user_id)
    assert count is not None
    if count["films"] >= most_unconfirmed:
        return False
    transaction.rows(_ADD_UNCONFIRMED, movie_id=movie_id)
    return True
