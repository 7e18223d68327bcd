"""Calls the functions for admins."""

from uuid import UUID

from tests.support.functions import Response, event, request


def erase(user_id: UUID) -> Response:
    """Erase a user."""
    payload = event("erase")
    payload["pathParameters"] = {"user_id": str(user_id)}
    return request("erase", payload)
