"""Saves positions in PostgreSQL, and keeps them in Redis."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.clients import database, redis
from shared.http import Problem
from shared.schemas import PositionRequest
from shared.settings import settings

COMPLETED_SHARE = 0.9

Row = dict[str, Any]

LOCK = """
    SELECT id, film_duration_seconds, started_at, ended_at, last_sequence
    FROM stream_sessions
    WHERE id = :session_id AND user_id = :user_id AND movie_id = :movie_id
    FOR UPDATE
"""

LOCK_LATEST = """
    SELECT id, film_duration_seconds, started_at, ended_at, last_sequence
    FROM stream_sessions
    WHERE user_id = :user_id AND movie_id = :movie_id AND ended_at IS NULL
    ORDER BY started_at DESC
    LIMIT 1
    FOR UPDATE
"""

COUNT_HEARTBEAT = """
    UPDATE stream_sessions
    SET last_heartbeat_at = :at,
        last_sequence = coalesce(:sequence, last_sequence)
    WHERE id = :session_id
"""

COLUMNS = """
    user_id, movie_id, position_seconds, last_watched_at, duration_seconds, completed,
    completed_at, times_completed
"""

UPSERT = f"""
    INSERT INTO watch_progress AS saved (
        user_id, movie_id, position_seconds, duration_seconds, completed, completed_at,
        times_completed, session_id, last_watched_at, updated_at
    )
    VALUES (
        :user_id, :movie_id, :position_seconds, :duration_seconds, :completed, :completed_at,
        :times_completed, :session_id, :made_at, :at
    )
    ON CONFLICT (user_id, movie_id) DO UPDATE
    SET position_seconds = excluded.position_seconds,
        duration_seconds = coalesce(excluded.duration_seconds, saved.duration_seconds),
        completed = saved.completed OR excluded.completed,
        completed_at = coalesce(excluded.completed_at, saved.completed_at),
        times_completed = saved.times_completed
            + CASE WHEN saved.completed THEN 0 ELSE excluded.times_completed END,
        session_id = coalesce(excluded.session_id, saved.session_id),
        last_watched_at = excluded.last_watched_at,
        updated_at = excluded.updated_at
    WHERE saved.last_watched_at <= excluded.last_watched_at
    RETURNING {COLUMNS}
"""

SELECT = f"""
    SELECT {COLUMNS} FROM watch_progress WHERE user_id = :user_id AND movie_id = :movie_id
"""


@contextmanager
def transaction() -> Iterator[None]:
    """Commit what the enclosed statements do, or nothing of it."""
    database.run("START TRANSACTION")
    try:
        yield
    except BaseException:
        database.run("ROLLBACK")
        raise
    database.run("COMMIT")


def row(statement: str, **parameters: Any) -> Row | None:
    """Run ``statement`` and return its first row."""
    rows = database.run(statement, **parameters)
    if not rows:
        return None
    return dict(zip((column["name"] for column in database.columns), rows[0], strict=True))


def lock_session(user_id: UUID, movie_id: UUID, session_id: UUID | None) -> Row | None:
    """Lock the named session, or else the latest open one, of the user and the film."""
    if session_id is None:
        return row(LOCK_LATEST, user_id=user_id, movie_id=movie_id)
    found = row(LOCK, session_id=session_id, user_id=user_id, movie_id=movie_id)
    if found is None:
        raise Problem(404, "session_not_found", "the user has no such session")
    return found


def is_newer(stream: Row | None, sequence: int | None) -> bool:
    """Whether a report is newer than those that its session has seen."""
    if stream is None or sequence is None or stream["last_sequence"] is None:
        return True
    return bool(sequence > stream["last_sequence"])


def count_heartbeat(stream: Row, sequence: int | None, now: datetime) -> None:
    """Record that the player of the session has reported."""
    database.run(COUNT_HEARTBEAT, session_id=stream["id"], sequence=sequence, at=now)


def save(
    user_id: UUID, movie_id: UUID, body: PositionRequest, stream: Row | None, now: datetime
) -> Row | None:
    """Save the position unless a later one is saved; return the saved row if it changed."""
    duration = stream["film_duration_seconds"] if stream else None
    is_completed = duration is not None and body.position_seconds >= COMPLETED_SHARE * duration
    made_at = now - timedelta(seconds=body.age_seconds)
    return row(
        UPSERT,
        user_id=user_id,
        movie_id=movie_id,
        position_seconds=body.position_seconds,
        duration_seconds=duration,
        completed=is_completed,
        completed_at=made_at if is_completed else None,
        times_completed=int(is_completed),
        session_id=body.session_id,
        made_at=made_at,
        at=now,
    )


def find(user_id: UUID, movie_id: UUID) -> Row | None:
    """Return the user's progress in the film."""
    return row(SELECT, user_id=user_id, movie_id=movie_id)


def keep(progress: Row) -> None:
    """Keep the position in Redis."""
    key = f"progress:{progress['user_id']}:{progress['movie_id']}"
    redis.set(key, json.dumps(progress, default=_plain), ex=settings.redis_progress_ttl)


def find_kept(user_id: UUID, movie_id: UUID) -> Row | None:
    """Return the position that Redis has."""
    value = redis.get(f"progress:{user_id}:{movie_id}")
    return json.loads(value) if value else None


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
