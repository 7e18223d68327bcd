"""POST /api/v1/stream/{movie_id}/progress: save the position that a player reports."""

import os

from streaming.access.identity import Identity
from streaming.api.handler import http_handler
from streaming.api.http import Request, Response, ok
from streaming.api.request_models import PositionRequest, parse
from streaming.api.response_models import ProgressSaved
from streaming.composition.environment import Environment
from streaming.domain import clock

ENVIRONMENT = Environment(os.environ, preload=["report_progress"])


@http_handler(ENVIRONMENT, budget_seconds=1.25, prompt_seconds=1.0)
def handler(request: Request, caller: Identity, environment: Environment) -> Response:
    """Save the reported position and return the position on record."""
    now = clock.now()
    movie_id = request.movie_id
    report = parse(PositionRequest, request.body).to_report(caller.user_id, movie_id, now)
    return ok(ProgressSaved.of(environment.report_progress(report)))
