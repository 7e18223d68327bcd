"""POST /api/v1/stream/{movie_id}."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from shared import events, films, positions, subscriptions
from shared.clients import database
from shared.http import Event, body_of, endpoint, logger, movie_of, tracer, user_of
from shared.schemas import StartRequest
from shared.settings import settings

INSERT = """
    INSERT INTO stream_sessions (
        id, user_id, movie_id, manifest_type, film_duration_seconds, started_at,
        last_heartbeat_at, user_agent, ip_address
    )
    VALUES (
        :id, :user_id, :movie_id, :manifest_type, :film_duration_seconds, :started_at,
        :started_at, :user_agent, :ip_address
    )
"""


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@endpoint
def handler(event: Event, context: Any) -> dict[str, Any]:
    """Start a film."""
    user_id, movie_id = user_of(event), movie_of(event)
    body = StartRequest.model_validate_json(body_of(event))
    subscriptions.require(user_id, event["headers"].get("authorization", ""))
    manifest_url, duration = films.manifest(movie_id, body.manifest_type)
    now = datetime.now(UTC)
    session_id = uuid4()
    http = event["requestContext"]["http"]
    with positions.transaction():
        database.run(
            INSERT,
            id=session_id,
            user_id=user_id,
            movie_id=movie_id,
            manifest_type=body.manifest_type,
            film_duration_seconds=duration,
            started_at=now,
            user_agent=http.get("userAgent", "")[:512],
            ip_address=http.get("sourceIp"),
        )
        progress = positions.find(user_id, movie_id)
    events.send("start", user_id, movie_id, now, session_id)
    return {
        "manifest_url": manifest_url,
        "expires_in": settings.signed_url_expiration,
        "manifest_type": body.manifest_type,
        "session_id": session_id,
        "resume_position_seconds": progress["position_seconds"] if progress else 0,
        "duration_seconds": duration,
        "completed": progress["completed"] if progress else False,
    }
