"""POST /api/v1/stream/{movie_id}: start a film."""

import os

from streaming.access.identity import Identity
from streaming.api.handler import http_handler
from streaming.api.http import Request, Response, ok
from streaming.api.request_models import StartRequest, parse
from streaming.api.response_models import Started
from streaming.composition.environment import Environment
from streaming.domain import clock
from streaming.domain.idempotency import IdempotencyKey
from streaming.usecases.start_stream import Viewer

ENVIRONMENT = Environment(os.environ, preload=["start_stream"])


@http_handler(ENVIRONMENT, budget_seconds=2.0, computing_seconds=10, prompt_seconds=2.0)
def handler(request: Request, caller: Identity, environment: Environment) -> Response:
    """Start the film and return the URL of its manifest."""
    now = clock.now()
    movie_id = request.movie_id
    wanted = parse(StartRequest, request.body)
    key = IdempotencyKey.of(
        request.headers.get("idempotency-key"),
        movie_id=movie_id,
        **wanted.model_dump(exclude_defaults=True),
    )
    viewer = Viewer(
        user_id=caller.user_id,
        authorization=request.headers.get("authorization", ""),
        user_agent=request.user_agent,
        ip_address=request.source_ip,
    )
    stream = environment.start_stream(
        viewer, movie_id, wanted.manifest_type, now, key, take_over=wanted.take_over
    )
    return ok(Started.of(stream))
