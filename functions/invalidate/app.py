"""POST /api/v1/stream/{movie_id}/invalidate: apply the replacement of a film immediately."""

import os

from streaming.access.identity import Identity
from streaming.api.handler import http_handler
from streaming.api.http import Request, Response, ok
from streaming.api.response_models import Invalidated
from streaming.composition.environment import Environment
from streaming.domain import clock

ENVIRONMENT = Environment(os.environ, preload=["invalidate_film"])


@http_handler(ENVIRONMENT, budget_seconds=25, for_admins=True)
def handler(request: Request, _caller: Identity, environment: Environment) -> Response:
    """Return the manifest types that the film now has."""
    movie_id = request.movie_id
    return ok(Invalidated.of(movie_id, environment.invalidate_film(movie_id, clock.now())))
