"""DELETE /api/v1/users/{user_id}/data: forget a user."""

from streaming.access.identity import Identity
from streaming.api.handler import http_handler
from streaming.api.http import Answer, Request, ok
from streaming.composition.erase import erase_user


@http_handler(budget_seconds=25, for_admins=True)
def handler(request: Request, _caller: Identity) -> Answer:
    """Answer how much was erased."""
    return ok(erase_user()(request.user_id))
