"""GET .../stream/{movie_id}/progress and GET .../stream/progress: a viewer's saved positions.

DELETE .../stream/{movie_id}/progress removes a film from the films to continue.
"""

import os

from streaming.access.identity import Identity
from streaming.api.handler import http_handler
from streaming.api.http import Request, Response, no_content, ok
from streaming.api.response_models import ContinueWatching, WatchProgress
from streaming.composition.environment import Environment
from streaming.domain import clock

ENVIRONMENT = Environment(
    os.environ, preload=["find_progress", "find_films_to_continue", "remove_progress"]
)
MOST_FILMS = 100
FILMS_BY_DEFAULT = 20


@http_handler(ENVIRONMENT, budget_seconds=2.7, prompt_seconds=1.0)
def handler(request: Request, caller: Identity, environment: Environment) -> Response:
    """Return the progress in one film, or the films to continue if the path names no film."""
    now = clock.now()
    if request.route.startswith("DELETE "):
        environment.remove_progress(caller.user_id, request.movie_id, now)
        return no_content()
    if "movie_id" in request.path_parameters:
        return ok(WatchProgress.of(environment.find_progress(caller.user_id, request.movie_id)))
    limit = request.query_integer("limit", FILMS_BY_DEFAULT, least=1, most=MOST_FILMS)
    return ok(ContinueWatching.of(environment.find_films_to_continue(caller.user_id, limit)))
