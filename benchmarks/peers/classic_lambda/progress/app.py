"""POST /api/v1/stream/{movie_id}/progress."""

from datetime import UTC, datetime
from typing import Any

from shared import events, positions
from shared.http import Event, body_of, endpoint, logger, movie_of, tracer, user_of
from shared.schemas import PositionRequest


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@endpoint
def handler(event: Event, context: Any) -> dict[str, Any]:
    """Save a reported position."""
    user_id, movie_id = user_of(event), movie_of(event)
    body = PositionRequest.model_validate_json(body_of(event))
    now = datetime.now(UTC)
    with positions.transaction():
        stream = positions.lock_session(user_id, movie_id, body.session_id)
        has_ended = stream is not None and stream["ended_at"] is not None
        saved = None
        if not has_ended and positions.is_newer(stream, body.sequence):
            if stream is not None:
                positions.count_heartbeat(stream, body.sequence, now)
            saved = positions.save(user_id, movie_id, body, stream, now)
        progress = saved or positions.find(user_id, movie_id)
    if saved is not None:
        positions.keep(saved)
        session_id = stream["id"] if stream else None
        events.send(
            "progress", user_id, movie_id, now, session_id, body.position_seconds, body.sequence
        )
    return {
        "success": True,
        "position_seconds": progress["position_seconds"] if progress else 0,
        "message": "Progress updated successfully",
        "applied": saved is not None,
        "session_ended": has_ended,
    }
