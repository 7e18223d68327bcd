"""POST /api/v1/stream/{movie_id}/stop: end the session and save the last position."""

from streaming.access.identity import Identity
from streaming.api.handler import http_handler
from streaming.api.http import Answer, Request, ok
from streaming.api.request_models import PositionRequest, parse
from streaming.composition.stop import stop_stream
from streaming.domain import clock


@http_handler(budget_seconds=2.7, prompt_seconds=1.0)
def handler(request: Request, caller: Identity) -> Answer:
    """Answer the ended session."""
    now = clock.now()
    movie_id = request.movie_id
    position = parse(PositionRequest, request.body)
    return ok(stop_stream()(position.to_report(caller.user_id, movie_id, now)))
