"""The caller's identity: the authorizer passes it on, and handlers get it from the guard here.

An HTTP API answers 403 to every denial of a Lambda authorizer, so a player could not distinguish
"log in again" from "no subscription". Therefore the authorizer never denies: it passes on an
identity or the problem of the token, and the guard raises the matching 401 error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from streaming.domain.errors import (
    Forbidden,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    Unauthorized,
)
from streaming.domain.identifiers import parse_uuid

# Clocks differ: a new token is valid even if the auth service's clock is ahead by this much.
LEEWAY_SECONDS = 5

_PROBLEMS: Mapping[str, type[Unauthorized]] = {
    problem.code: problem for problem in (TokenMissing, TokenInvalid, TokenExpired)
}


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller whose token was verified.

    ``expires_at`` and ``not_before`` are the token's ``exp`` and ``nbf``, in Unix seconds.
    """

    user_id: UUID
    expires_at: int
    role: str = ""
    not_before: int = 0

    def to_context(self) -> dict[str, str | int]:
        """Return the authorizer context that carries this identity."""
        context: dict[str, str | int] = {
            "user_id": str(self.user_id),
            "exp": self.expires_at,
            "role": self.role,
        }
        return {**context, "nbf": self.not_before} if self.not_before else context

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Self | None:
        """Read an authorizer context; None when it carries no identity."""
        user_id = parse_uuid(context.get("user_id"))
        expires_at = context.get("exp")
        if user_id is None or not isinstance(expires_at, int | float | str):
            return None
        not_before = int(context.get("nbf") or 0)
        return cls(user_id, int(expires_at), str(context.get("role") or ""), not_before)


def problem_context(error: Unauthorized) -> dict[str, str]:
    """Return the authorizer context that describes the problem of the token."""
    return {"token_problem": error.code, "token_problem_detail": error.detail}


def require_identity(authorizer: Mapping[str, Any], now: datetime) -> Identity:
    """Return the caller's identity from the authorizer's context.

    Raises the ``Unauthorized`` error that the authorizer reported, ``TokenMissing`` if it reported
    nothing, ``TokenExpired`` if the token has expired since, and ``TokenInvalid`` if it is not
    valid yet. API Gateway caches the authorizer's answers, so the token's times are checked here.
    """
    problem = _PROBLEMS.get(str(authorizer.get("token_problem")))
    if problem is not None:
        raise problem(str(authorizer.get("token_problem_detail") or problem.title))
    identity = Identity.from_context(authorizer)
    if identity is None:
        raise TokenMissing("the request carries no bearer token")
    if identity.expires_at <= now.timestamp():
        raise TokenExpired("the token has expired")
    if identity.not_before > now.timestamp() + LEEWAY_SECONDS:
        raise TokenInvalid("the token is not valid yet")
    return identity


def require_admin(authorizer: Mapping[str, Any], now: datetime) -> Identity:
    """Return the caller's identity. Raises ``Forbidden`` unless its role is admin."""
    identity = require_identity(authorizer, now)
    if identity.role != "admin":
        raise Forbidden("this call needs the role admin")
    return identity
