"""DELETE /api/v1/users/{user_id}/data: forget a user."""

from streaming.composition.erase import erase_user
from streaming.entrypoint import http_handler
from streaming.http import Answer, Request, ok
from streaming.identity import Identity


@http_handler(budget_seconds=25, for_admins=True)
def handler(request: Request, _caller: Identity) -> Answer:
    """Answer how much was erased."""
    return ok(erase_user()(request.user_id))
