"""POST /api/v1/stream/{movie_id}/invalidate: see at once that a film was replaced."""

from streaming import clock
from streaming.composition.invalidate import invalidate_film
from streaming.entrypoint import http_handler
from streaming.http import Answer, Request, ok
from streaming.identity import Identity


@http_handler(budget_seconds=25, for_admins=True)
def handler(request: Request, _caller: Identity) -> Answer:
    """Answer the forms that the film has now."""
    return ok(invalidate_film()(request.movie_id, clock.now()))
