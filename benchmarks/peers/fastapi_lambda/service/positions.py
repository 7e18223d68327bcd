"""Saves positions in PostgreSQL, and keeps them in Redis."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from service.clients import redis
from service.models import StreamSession, WatchProgress
from service.problems import Problem
from service.schemas import PositionRequest, Progress
from service.settings import settings

COMPLETED_SHARE = 0.9


table = WatchProgress.__table__
_row = insert(table)
_new = _row.excluded

UPSERT = _row.on_conflict_do_update(
    index_elements=[table.c.user_id, table.c.movie_id],
    set_={
        "position_seconds": _new.position_seconds,
        "duration_seconds": func.coalesce(_new.duration_seconds, table.c.duration_seconds),
        "completed": table.c.completed | _new.completed,
        "completed_at": func.coalesce(_new.completed_at, table.c.completed_at),
        "times_completed": table.c.times_completed
        + case((table.c.completed, 0), else_=_new.times_completed),
        "session_id": func.coalesce(_new.session_id, table.c.session_id),
        "last_watched_at": _new.last_watched_at,
        "updated_at": _new.updated_at,
    },
    where=table.c.last_watched_at <= _new.last_watched_at,
).returning(table)


async def lock_session(
    db: AsyncSession, user_id: UUID, movie_id: UUID, session_id: UUID | None
) -> StreamSession | None:
    """Lock the named session, or else the latest open one, of the user and the film."""
    query = select(StreamSession).where(
        StreamSession.user_id == user_id, StreamSession.movie_id == movie_id
    )
    if session_id is not None:
        query = query.where(StreamSession.id == session_id)
    else:
        query = query.where(StreamSession.ended_at.is_(None)).order_by(
            StreamSession.started_at.desc()
        )
    found = await db.scalar(query.limit(1).with_for_update())
    if found is None and session_id is not None:
        raise Problem(404, "session_not_found", "the user has no such session")
    return found


def is_newer(stream: StreamSession | None, sequence: int | None) -> bool:
    """Whether a report is newer than those that its session has seen."""
    if stream is None or sequence is None or stream.last_sequence is None:
        return True
    return sequence > stream.last_sequence


async def save(
    db: AsyncSession,
    user_id: UUID,
    movie_id: UUID,
    body: PositionRequest,
    stream: StreamSession | None,
    now: datetime,
) -> Progress | None:
    """Save the position unless a later one is saved; return what is saved if it changed."""
    duration = stream.film_duration_seconds if stream else None
    is_completed = duration is not None and body.position_seconds >= COMPLETED_SHARE * duration
    made_at = now - timedelta(seconds=body.age_seconds)
    values = {
        "user_id": user_id,
        "movie_id": movie_id,
        "position_seconds": body.position_seconds,
        "duration_seconds": duration,
        "completed": is_completed,
        "completed_at": made_at if is_completed else None,
        "times_completed": int(is_completed),
        "session_id": body.session_id,
        "last_watched_at": made_at,
        "updated_at": now,
    }
    saved = (await db.execute(UPSERT, values)).one_or_none()
    return Progress.model_validate(saved) if saved else None


async def find(db: AsyncSession, user_id: UUID, movie_id: UUID) -> Progress | None:
    """Return the user's progress in the film."""
    found = await db.get(WatchProgress, (user_id, movie_id))
    return Progress.model_validate(found) if found else None


async def keep(progress: Progress) -> None:
    """Keep the position in Redis."""
    key = _key(progress.user_id, progress.movie_id)
    await redis.set(key, progress.model_dump_json(), ex=settings.redis_progress_ttl)


async def find_kept(user_id: UUID, movie_id: UUID) -> Progress | None:
    """Return the position that Redis has."""
    value = await redis.get(_key(user_id, movie_id))
    return Progress.model_validate_json(value) if value else None


def _key(user_id: UUID, movie_id: UUID) -> str:
    return f"progress:{user_id}:{movie_id}"
