"""POST /api/v1/stream/{movie_id}/progress: save the position that a player reports."""

from streaming.access.identity import Identity
from streaming.api.handler import http_handler
from streaming.api.http import Answer, Request, ok
from streaming.api.request_models import PositionRequest, parse
from streaming.composition.report import report_progress
from streaming.domain import clock


@http_handler(budget_seconds=1.25, prompt_seconds=1.0)
def handler(request: Request, caller: Identity) -> Answer:
    """Answer the position on record."""
    now = clock.now()
    movie_id = request.movie_id
    position = parse(PositionRequest, request.body)
    return ok(report_progress()(position.to_report(caller.user_id, movie_id, now)))
