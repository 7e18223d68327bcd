"""The four calls."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Header, Request
from sqlalchemy.ext.asyncio import AsyncSession

from service import events, films, positions, subscriptions
from service.clients import session_factory
from service.models import StreamSession
from service.problems import Problem
from service.schemas import (
    PositionRequest,
    Progress,
    ProgressSaved,
    Started,
    StartRequest,
    Stopped,
)
from service.settings import settings

router = APIRouter(prefix="/api/v1/stream")


async def database() -> AsyncIterator[AsyncSession]:
    """Provide a session of SQLAlchemy for a request."""
    async with session_factory() as session:
        yield session


async def current_user(request: Request) -> UUID:
    """Return the user whom the Lambda authorizer has identified."""
    context: dict[str, Any] = request.scope["aws.event"]["requestContext"]
    identity = context.get("authorizer", {}).get("lambda") or {}
    if "user_id" not in identity:
        raise Problem(401, "token_invalid", "the token is not valid")
    if float(identity["exp"]) < time.time():
        raise Problem(401, "token_expired", "the token has expired")
    return UUID(identity["user_id"])


Database = Annotated[AsyncSession, Depends(database)]
User = Annotated[UUID, Depends(current_user)]


@router.post("/{movie_id}")
async def start(
    movie_id: UUID,
    user_id: User,
    db: Database,
    request: Request,
    body: StartRequest | None = None,
    authorization: Annotated[str, Header()] = "",
    user_agent: Annotated[str | None, Header()] = None,
) -> Started:
    """Start a film."""
    manifest_type = body.manifest_type if body else "hls"
    await subscriptions.require(user_id, authorization)
    manifest_url, duration = await films.manifest(movie_id, manifest_type)
    now = datetime.now(UTC)
    stream = StreamSession(
        id=uuid4(),
        user_id=user_id,
        movie_id=movie_id,
        manifest_type=manifest_type,
        film_duration_seconds=duration,
        started_at=now,
        last_heartbeat_at=now,
        user_agent=user_agent[:512] if user_agent else None,
        ip_address=request.client.host if request.client else None,
    )
    async with db.begin():
        db.add(stream)
        progress = await positions.find(db, user_id, movie_id)
    await events.send("start", user_id, movie_id, now, stream.id)
    return Started(
        manifest_url=manifest_url,
        expires_in=settings.signed_url_expiration,
        manifest_type=manifest_type,
        session_id=stream.id,
        resume_position_seconds=progress.position_seconds if progress else 0,
        duration_seconds=duration,
        completed=progress.completed if progress else False,
    )


@router.post("/{movie_id}/progress")
async def report(
    movie_id: UUID, user_id: User, db: Database, body: PositionRequest
) -> ProgressSaved:
    """Save a reported position."""
    now = datetime.now(UTC)
    async with db.begin():
        stream = await positions.lock_session(db, user_id, movie_id, body.session_id)
        has_ended = stream is not None and stream.ended_at is not None
        saved = None
        if not has_ended and positions.is_newer(stream, body.sequence):
            if stream is not None:
                stream.last_heartbeat_at = now
                stream.last_sequence = body.sequence or stream.last_sequence
            saved = await positions.save(db, user_id, movie_id, body, stream, now)
        progress = saved or await positions.find(db, user_id, movie_id)
    if saved is not None:
        await positions.keep(saved)
        await events.send(
            "progress",
            user_id,
            movie_id,
            now,
            stream.id if stream else None,
            body.position_seconds,
            body.sequence,
        )
    return ProgressSaved(
        position_seconds=progress.position_seconds if progress else 0,
        applied=saved is not None,
        session_ended=has_ended,
    )


@router.get("/{movie_id}/progress")
async def get(movie_id: UUID, user_id: User, db: Database) -> Progress:
    """Return the saved position."""
    kept = await positions.find_kept(user_id, movie_id)
    if kept is not None:
        return kept
    progress = await positions.find(db, user_id, movie_id)
    if progress is None:
        raise Problem(404, "progress_not_found", "the user has not watched the film")
    await positions.keep(progress)
    return progress


@router.post("/{movie_id}/stop")
async def stop(movie_id: UUID, user_id: User, db: Database, body: PositionRequest) -> Stopped:
    """Save the last position and end the session."""
    now = datetime.now(UTC)
    async with db.begin():
        stream = await positions.lock_session(db, user_id, movie_id, body.session_id)
        ends_now = stream is not None and stream.ended_at is None
        saved = None
        if positions.is_newer(stream, body.sequence):
            saved = await positions.save(db, user_id, movie_id, body, stream, now)
        if stream is not None and ends_now:
            stream.ended_at = stream.last_heartbeat_at = now
            stream.last_sequence = body.sequence or stream.last_sequence
        progress = saved or await positions.find(db, user_id, movie_id)
    if saved is not None:
        await positions.keep(saved)
    if stream is not None and ends_now:
        await events.send(
            "stop", user_id, movie_id, now, stream.id, body.position_seconds, body.sequence
        )
    lasted = (
        (stream.ended_at - stream.started_at).total_seconds()
        if stream and stream.ended_at
        else None
    )
    return Stopped(
        position_seconds=progress.position_seconds if progress else 0,
        session_id=stream.id if stream else None,
        duration_seconds=None if lasted is None else int(lasted),
        applied=saved is not None,
        session_ended=stream is not None,
    )
