"""POST /api/v1/stream/{movie_id}/invalidate: see at once that a film was replaced."""

from streaming.access.identity import Identity
from streaming.api.handler import http_handler
from streaming.api.http import Answer, Request, ok
from streaming.composition.invalidate import invalidate_film
from streaming.domain import clock


@http_handler(budget_seconds=25, for_admins=True)
def handler(request: Request, _caller: Identity) -> Answer:
    """Answer the forms that the film has now."""
    return ok(invalidate_film()(request.movie_id, clock.now()))
