"""POST /api/v1/stream/{movie_id}/progress: save the position that a player reports."""

from streaming import clock
from streaming.composition.report import report_progress
from streaming.entrypoint import http_handler
from streaming.http import Answer, Request, ok
from streaming.identity import Identity
from streaming.requests import PositionRequest, parse


@http_handler(budget_seconds=1.25, prompt_seconds=1.0)
def handler(request: Request, caller: Identity) -> Answer:
    """Answer the position on record."""
    now = clock.now()
    movie_id = request.movie_id
    position = parse(PositionRequest, request.body)
    return ok(report_progress()(position.to_report(caller.user_id, movie_id, now)))
