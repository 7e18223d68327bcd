"""Converts a bearer token to an identity for the functions of the API."""

import os
from typing import Any

from streaming.access.identity import problem_context
from streaming.access.tokens import TokenUndecided
from streaming.api.headers import lower_case_names
from streaming.composition.environment import Environment
from streaming.domain import clock
from streaming.domain.errors import Unauthorized
from streaming.observability.logging import service_logger
from streaming.observability.metrics import emit

ENVIRONMENT = Environment(os.environ, preload=["token_verifier"])

logger = service_logger()


@logger.inject_lambda_context(log_event=False)
def handler(
    event: dict[str, Any], context: Any, environment: Environment = ENVIRONMENT
) -> dict[str, Any] | None:
    """Return the caller's identity, or the problem with the token, in the simple format.

    The response is always "authorized": the functions answer a problem with 401 and the reason.
    None is no response for API Gateway, which then answers 500 and caches nothing
    (docs/decisions/0034-tokens-that-cannot-be-judged-yet.md).
    """
    # The id of the request to the API, which the log of the invoked function has as well.
    logger.append_keys(request_id=event.get("requestContext", {}).get("requestId"))
    authorization = lower_case_names(event.get("headers")).get("authorization")
    try:
        identity = environment.token_verifier.verify(authorization, clock.now())
    except Unauthorized as error:
        logger.info(error.title, code=error.code, detail=error.detail)
        return {"isAuthorized": True, "context": problem_context(error)}
    except TokenUndecided as error:
        logger.info("the token cannot be judged yet", code="token_undecided", detail=str(error))
        emit(UndecidedTokens=1)
        return None
    return {"isAuthorized": True, "context": identity.to_context()}
