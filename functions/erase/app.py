"""DELETE /api/v1/users/{user_id}/data: forget a user."""

from streaming import clock
from streaming.composition.erase import erase_user
from streaming.entrypoint import http_handler
from streaming.http import Answer, Request, ok
from streaming.identity import require_admin


@http_handler(budget_seconds=25)
def handler(request: Request) -> Answer:
    """Answer how much was erased."""
    require_admin(request, clock.now())
    return ok(erase_user()(request.user_id))
