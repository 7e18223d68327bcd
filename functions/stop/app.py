"""POST /api/v1/stream/{movie_id}/stop: end the session and save the last position."""

import os

from streaming.access.identity import Identity
from streaming.api.handler import http_handler
from streaming.api.http import Request, Response, ok
from streaming.api.request_models import PositionRequest, parse
from streaming.api.response_models import Stopped
from streaming.composition.environment import Environment
from streaming.domain import clock

ENVIRONMENT = Environment(os.environ, preload=["stop_stream"])


@http_handler(ENVIRONMENT, budget_seconds=2.7, prompt_seconds=1.0)
def handler(request: Request, caller: Identity, environment: Environment) -> Response:
    """End the session and return its last position."""
    now = clock.now()
    movie_id = request.movie_id
    report = parse(PositionRequest, request.body).to_report(caller.user_id, movie_id, now)
    return ok(Stopped.of(environment.stop_stream(report)))
