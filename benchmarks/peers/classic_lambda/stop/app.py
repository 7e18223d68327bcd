"""POST /api/v1/stream/{movie_id}/stop."""

from datetime import UTC, datetime
from typing import Any

from shared import events, positions
from shared.clients import database
from shared.http import Event, body_of, endpoint, logger, movie_of, tracer, user_of
from shared.schemas import PositionRequest

END = """
    UPDATE stream_sessions
    SET ended_at = :at,
        last_heartbeat_at = :at,
        last_sequence = coalesce(:sequence, last_sequence)
    WHERE id = :session_id
"""


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@endpoint
def handler(event: Event, context: Any) -> dict[str, Any]:
    """Save the last position and end the session."""
    user_id, movie_id = user_of(event), movie_of(event)
    body = PositionRequest.model_validate_json(body_of(event))
    now = datetime.now(UTC)
    with positions.transaction():
        stream = positions.lock_session(user_id, movie_id, body.session_id)
        ends_now = stream is not None and stream["ended_at"] is None
        saved = None
        if positions.is_newer(stream, body.sequence):
            saved = positions.save(user_id, movie_id, body, stream, now)
        if stream is not None and ends_now:
            database.run(END, session_id=stream["id"], sequence=body.sequence, at=now)
        progress = saved or positions.find(user_id, movie_id)
    if saved is not None:
        positions.keep(saved)
    lasted = None
    if stream is not None:
        lasted = int(((stream["ended_at"] or now) - stream["started_at"]).total_seconds())
    if stream is not None and ends_now:
        events.send(
            "stop", user_id, movie_id, now, stream["id"], body.position_seconds, body.sequence
        )
    return {
        "success": True,
        "position_seconds": progress["position_seconds"] if progress else 0,
        "message": "Streaming stopped successfully",
        "session_id": stream["id"] if stream else None,
        "duration_seconds": lasted,
        "applied": saved is not None,
        "session_ended": stream is not None,
    }
