"""DELETE /api/v1/users/{user_id}/data: erase a user's data."""

import os

from streaming.access.identity import Identity
from streaming.api.handler import http_handler
from streaming.api.http import Request, Response, ok
from streaming.api.response_models import Erased
from streaming.composition.environment import Environment

ENVIRONMENT = Environment(os.environ, preload=["erase_user"])


@http_handler(ENVIRONMENT, budget_seconds=25, for_admins=True)
def handler(request: Request, _caller: Identity, environment: Environment) -> Response:
    """Return the numbers of erased positions, sessions and events."""
    user_id = request.user_id
    return ok(Erased.of(user_id, environment.erase_user(user_id)))
