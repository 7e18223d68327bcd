"""POST /api/v1/stream/{movie_id}/invalidate: see at once that a film was replaced."""

from streaming import clock
from streaming.composition.invalidate import invalidate_film
from streaming.entrypoint import http_handler
from streaming.http import Answer, Request, ok
from streaming.identity import require_admin


@http_handler(budget_seconds=25)
def handler(request: Request) -> Answer:
    """Answer the forms that the film has now."""
    now = clock.now()
    require_admin(request, now)
    return ok(invalidate_film()(request.movie_id, now))
