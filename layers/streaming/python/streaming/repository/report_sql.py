"""The SQL that saves a report of a player.

A session is updated once and first, which waits for its lock without writing a lock record. Then
the position is updated; it is inserted only if there is none, because ON CONFLICT writes a lock
record, too. PostgreSQL re-evaluates the conditions of an UPDATE on the newest committed row, so
one statement is enough for what is written. What is returned to the player is read by a later
statement, which has a newer snapshot.
"""

from streaming.domain.progress import COMPLETED_AT
from streaming.repository.outbox_inserts import insert_from
from streaming.repository.progress import COLUMNS, FILM_DURATION

OF_REPORT = "id = :session_id AND user_id = :user_id AND movie_id = :movie_id"

_HEARTBEAT = """
            last_heartbeat_at = greatest(last_heartbeat_at, :at),
            ended_at = NULL,
            end_reason = NULL,
            duration_seconds = NULL
"""

# A report counts only if its sequence is greater than that of every earlier report of its session.
_SEQUENCE = "last_sequence = coalesce(CAST(:sequence AS bigint), last_sequence)"
_IS_NEXT = """(
                CAST(:sequence AS bigint) IS NULL
                OR last_sequence IS NULL
                OR last_sequence < CAST(:sequence AS bigint)
            )"""

_SEEN_IN_SESSION = f"""
    seen AS (
        SELECT
            CAST(:position_seconds AS integer) AS position_seconds,
            film_duration_seconds AS duration_seconds,
            coalesce(
                CAST(:position_seconds AS integer) >= {COMPLETED_AT} * film_duration_seconds, false
            ) AS completed,
            CASE WHEN CAST(:sequence AS bigint) IS NOT NULL THEN id END AS session_id,
            CAST(:sequence AS bigint) AS sequence,
            least(
                CAST(:at AS timestamptz),
                greatest(
                    CAST(:made_at AS timestamptz),
                    CASE WHEN CAST(:names_session AS boolean) THEN started_at END
                )
            ) AS last_watched_at,
            CAST(:at AS timestamptz) AS updated_at
        FROM session
    )
"""  # noqa: S608

_SEEN_WITHOUT_SESSION = f"""
    seen AS (
        SELECT
            CAST(:position_seconds AS integer) AS position_seconds,
            film.duration_seconds,
            coalesce(
                CAST(:position_seconds AS integer) >= {COMPLETED_AT} * film.duration_seconds, false
            ) AS completed,
            CAST(NULL AS uuid) AS session_id,
            CAST(NULL AS bigint) AS sequence,
            CAST(:made_at AS timestamptz) AS last_watched_at,
            CAST(:at AS timestamptz) AS updated_at
        FROM (VALUES (1)) AS one_row
        LEFT JOIN films AS film ON film.movie_id = :movie_id
    )
"""  # noqa: S608


def _changes(new: str) -> str:
    """Return what ``new``, a position, changes in the saved one."""
    is_at_end = f"""coalesce(
            {new}.position_seconds
                >= {COMPLETED_AT} * coalesce({new}.duration_seconds, saved.duration_seconds),
            false
        )"""
    was_at_end = f"""coalesce(
            saved.completed AND saved.position_seconds >= {COMPLETED_AT} * saved.duration_seconds,
            false
        )"""
    return f"""
        position_seconds = {new}.position_seconds,
        duration_seconds = coalesce({new}.duration_seconds, saved.duration_seconds),
        completed = saved.completed OR {is_at_end},
        completed_at = CASE
            WHEN {is_at_end} AND NOT {was_at_end} THEN {new}.last_watched_at
            ELSE saved.completed_at
        END,
        times_completed = saved.times_completed + CASE
            WHEN {is_at_end} AND NOT {was_at_end} THEN 1
            ELSE 0
        END,
        removed_at = NULL,
        session_id = coalesce({new}.session_id, saved.session_id),
        sequence = coalesce({new}.sequence, saved.sequence),
        version = saved.version + 1,
        updated_at = {new}.updated_at,
        last_watched_at = greatest({new}.last_watched_at, saved.last_watched_at)
    """


def _was_watched_later(new: str) -> str:
    return f"""CASE
            WHEN {new}.session_id = saved.session_id THEN {new}.sequence > saved.sequence
            ELSE CAST(:is_fresh AS boolean) OR {new}.last_watched_at >= saved.last_watched_at
        END"""


_SAVE = f"""
    updated AS (
        UPDATE watch_progress AS saved
        SET {_changes("seen")}
        FROM seen
        WHERE saved.user_id = :user_id
            AND saved.movie_id = :movie_id
            AND {_was_watched_later("seen")}
        RETURNING saved.id
    ), inserted AS (
        INSERT INTO watch_progress AS saved (
            id, user_id, movie_id, position_seconds, duration_seconds, completed,
            session_id, sequence, created_at, updated_at, last_watched_at,
            completed_at, times_completed
        )
        SELECT
            :id, :user_id, :movie_id, position_seconds, duration_seconds, completed,
            session_id, sequence, updated_at, updated_at, last_watched_at,
            CASE WHEN completed THEN last_watched_at END,
            CASE WHEN completed THEN 1 ELSE 0 END
        FROM seen
        WHERE NOT EXISTS (
            SELECT FROM watch_progress WHERE user_id = :user_id AND movie_id = :movie_id
        )
        ON CONFLICT (user_id, movie_id) DO UPDATE
        SET {_changes("excluded")}
        WHERE {_was_watched_later("excluded")}
        RETURNING saved.id
    )
"""  # noqa: S608
_IS_APPLIED = """
        EXISTS (SELECT FROM updated) OR EXISTS (SELECT FROM inserted) AS is_applied
"""

# ``heard`` has a row for a late or repeated report, which is a heartbeat only.
REPORT = f"""
    WITH session AS (
        UPDATE stream_sessions
        SET {_HEARTBEAT}, {_SEQUENCE}
        WHERE {OF_REPORT}
            AND (ended_at IS NULL OR end_reason = 'abandoned')
            AND {_IS_NEXT}
        RETURNING id, started_at, film_duration_seconds
    ), heard AS (
        UPDATE stream_sessions
        SET {_HEARTBEAT}
        WHERE {OF_REPORT}
            AND (ended_at IS NULL OR end_reason = 'abandoned')
            AND NOT EXISTS (SELECT FROM session)
        RETURNING id
    ), {_SEEN_IN_SESSION}, {_SAVE}
    SELECT
        EXISTS (SELECT FROM session) OR EXISTS (SELECT FROM heard) AS is_heard,
        {_IS_APPLIED}
"""  # noqa: S608

REPORT_WITHOUT_SESSION = f"""
    WITH {_SEEN_WITHOUT_SESSION}, {_SAVE}
    SELECT false AS is_heard, {_IS_APPLIED}
"""

FINAL_REPORT = f"""
    WITH session AS (
        UPDATE stream_sessions
        SET {_SEQUENCE}
        WHERE {OF_REPORT} AND {_IS_NEXT}
        RETURNING id, started_at, film_duration_seconds
    ), {_SEEN_IN_SESSION}, {_SAVE}
    SELECT {_IS_APPLIED}
"""  # noqa: S608

END = f"""
    UPDATE stream_sessions
    SET ended_at = greatest(started_at, :at),
        last_heartbeat_at = greatest(last_heartbeat_at, :at),
        duration_seconds = greatest(0, extract(epoch FROM CAST(:at AS timestamptz) - started_at))
    WHERE {OF_REPORT} AND ended_at IS NULL
    RETURNING id
"""  # noqa: S608

END_WITH_EVENT = f"""
    WITH ended AS ({END})
    {insert_from("ended")}
"""

# A late report does not reopen an abandoned session after its stop.
KEEP_ENDED = f"""
    UPDATE stream_sessions
    SET end_reason = NULL
    WHERE {OF_REPORT} AND end_reason = 'abandoned'
"""  # noqa: S608

SELECT_OUTCOME = f"""
    SELECT
        session.id AS known_session,
        session.ended_at,
        session.last_sequence,
        session.duration_seconds AS lasted_seconds,
        EXISTS (SELECT FROM event_outbox WHERE key = :key) AS has_older_events,
        saved.*
    FROM (VALUES (1)) AS one_row
    LEFT JOIN stream_sessions AS session
        ON session.id = CAST(:session_id AS uuid)
            AND session.user_id = :user_id
            AND session.movie_id = :movie_id
    LEFT JOIN (
        SELECT {COLUMNS}, updated_at, {FILM_DURATION.format(table="watch_progress")}
        FROM watch_progress
        WHERE user_id = :user_id AND movie_id = :movie_id
    ) AS saved ON true
"""  # noqa: S608
