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
) -> WatchProgress | None:
    """Save the position unless a later one is saved; return the saved row if it changed."""
    duration = stream.film_duration_seconds if stream else None
    is_completed = duration is not None and body.position_seconds >= COMPLETED_SHARE * duration
    made_at = now - timedelta(seconds=body.age_seconds)
    row = insert(WatchProgress).values(
        user_id=user_id,
        movie_id=movie_id,
        position_seconds=body.position_seconds,
        duration_seconds=duration,
        completed=is_completed,
        completed_at=made_at if is_completed else None,
        times_completed=int(is_completed),
        session_id=body.session_id,
        last_watched_at=made_at,
        updated_at=now,
    )
    new = row.excluded
    upsert = row.on_conflict_do_update(
        index_elements=[WatchProgress.user_id, WatchProgress.movie_id],
        set_={
            "position_seconds": new.position_seconds,
            "duration_seconds": func.coalesce(new.duration_seconds, WatchProgress.duration_seconds),
            "completed": WatchProgress.completed | new.completed,
            "completed_at": func.coalesce(new.completed_at, WatchProgress.completed_at),
            "times_completed": WatchProgress.times_completed
            + case((WatchProgress.completed, 0), else_=new.times_completed),
            "session_id": func.coalesce(new.session_id, WatchProgress.session_id),
            "last_watched_at": new.last_watched_at,
            "updated_at": new.updated_at,
        },
        where=WatchProgress.last_watched_at <= new.last_watched_at,
    ).returning(WatchProgress)
    return await db.scalar(upsert)


async def find(db: AsyncSession, user_id: UUID, movie_id: UUID) -> WatchProgress | None:
    """Return the user's progress in the film."""
    return await db.get(WatchProgress, (user_id, movie_id))


async def keep(progress: WatchProgress) -> None:
    """Keep the position in Redis."""
    value = Progress.model_validate(progress).model_dump_json()
    key = _key(progress.user_id, progress.movie_id)
    await redis.set(key, value, ex=settings.redis_progress_ttl)


async def find_kept(user_id: UUID, movie_id: UUID) -> Progress | None:
    """Return the position that Redis has."""
    value = await redis.get(_key(user_id, movie_id))
    return Progress.model_validate_json(value) if value else None


def _key(user_id: UUID, movie_id: UUID) -> str:
    return f"progress:{user_id}:{movie_id}"
