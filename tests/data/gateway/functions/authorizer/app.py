"""Decides by the token itself, and counts its calls."""

import itertools
from typing import Any

CALLS = itertools.count(1)


def handler(event: dict[str, Any], context: object) -> Any:
    """Allow, deny or fail, as the token requests."""
    calls = next(CALLS)
    token = event["identitySource"][0]
    if token == "break":
        return {"isAuthorized": "true"}
    if token == "raise":
        raise RuntimeError(token)
    return {"isAuthorized": token != "deny", "context": {"calls": calls, "event": event}}
