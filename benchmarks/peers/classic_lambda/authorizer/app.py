"""The Lambda authorizer of the API."""

from typing import Any

import jwt
from shared.http import Event, logger, tracer
from shared.settings import settings


@logger.inject_lambda_context
@tracer.capture_lambda_handler
def handler(event: Event, context: Any) -> dict[str, Any]:
    """Verify the bearer token, and pass on whom it identifies."""
    token = event["headers"].get("authorization", "").removeprefix("Bearer ")
    try:
        claims = jwt.decode(
            token,
            settings.jwt_secret_key,
            algorithms=["HS256"],
            options={"require": ["exp", "sub"]},
        )
    except jwt.InvalidTokenError:
        logger.info("the token is not valid")
        return {"isAuthorized": False}
    identity = {
        "user_id": claims["sub"],
        "exp": claims["exp"],
        "role": claims.get("role", ""),
    }
    return {"isAuthorized": True, "context": identity}
