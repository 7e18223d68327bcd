"""Tokens of the auth service, and the authorizer's response to them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt

from streaming.domain import clock
from tests.support.functions import event, invoke
from tests.unit.access.jwks.auth_service import KEYS

USER = str(uuid4())


def token(algorithm: str, *, name: str | None = None) -> str:
    """Return a token of the auth service."""
    return jwt.encode(
        claims(), KEYS[algorithm], algorithm=algorithm, headers={"kid": name or algorithm}
    )


def claims() -> dict[str, Any]:
    """Return the claims of a valid token."""
    expires_at = clock.now() + timedelta(hours=1)
    return {"sub": USER, "exp": int(expires_at.timestamp())}


def authorize(token: str) -> dict[str, Any]:
    """Call the authorizer with ``token``; return its context."""
    answer = answer_to(token)
    assert answer is not None
    assert answer["isAuthorized"] is True
    context: dict[str, Any] = answer["context"]
    return context


def answer_to(token: str) -> Any:
    """Call the authorizer with ``token``; return its response."""
    headers = {"authorization": f"Bearer {token}"}
    return invoke("authorizer", {**event("authorizer"), "headers": headers})
