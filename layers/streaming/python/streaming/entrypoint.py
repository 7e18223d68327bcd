"""The boundary of every request function: an event comes in, an answer goes out, whatever happens.

The one place that turns errors into answers, logs what is unexpected, adds the CORS headers and
opens the request's deadline.
"""

import os
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, Protocol

from aws_lambda_powertools.logging import Logger

from streaming.deadline import within
from streaming.errors import StreamingError
from streaming.http import Answer, Request, problem
from streaming.settings import ConfigurationError, HttpSettings

logger = Logger(utc=True, serialize_stacktrace=False)

_REPLY_MARGIN_SECONDS = 0.25


class LambdaContext(Protocol):
    """What the entry point needs of Lambda's context object."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the call."""


Handler = Callable[[Request], Answer]
LambdaHandler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def http_handler(
    *, budget_seconds: float, computing_seconds: float = 0.0
) -> Callable[[Handler], LambdaHandler]:
    """Make a Lambda handler for an HTTP API out of ``handle(request) -> answer``.

    ``budget_seconds`` is how long the request may take, without as many ``computing_seconds`` of
    the processor; Lambda's own remaining time, less a margin to answer in, is respected too.
    """

    def decorate(handle: Handler) -> LambdaHandler:
        @wraps(handle)
        def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
            request = Request.from_event(event)
            logger.append_keys(request_id=request.request_id, route=request.route)
            left = context.get_remaining_time_in_millis() / 1000 - _REPLY_MARGIN_SECONDS
            budget = min(budget_seconds, left)
            with within(budget, min(computing_seconds, left - budget)):
                answer = _answer(handle, request)
            return _with_cors(answer, request).to_event()

        return handler

    return decorate


def _answer(handle: Handler, request: Request) -> Answer:
    try:
        return handle(request)
    except StreamingError as error:
        level = logger.error if error.status >= 500 else logger.info
        is_ours = error.status >= 500
        level(error.title, code=error.code, detail=error.detail, exc_info=is_ours)
        return problem(error, request.request_id)
    except ConfigurationError:
        # No answer: Lambda logs and counts it, which rolls a deployment back.
        raise
    except Exception:
        logger.exception("the request failed unexpectedly")
        unexpected = StreamingError("the service failed unexpectedly; quote the request_id")
        return problem(unexpected, request.request_id)


def _with_cors(answer: Answer, request: Request) -> Answer:
    """Let the caller's page read ``answer`` if its origin may (https://fetch.spec.whatwg.org)."""
    allowed = http_settings().cors_allow_origins
    if "*" in allowed:
        cors = {"Access-Control-Allow-Origin": "*"}
    elif (origin := request.headers.get("origin")) in allowed and origin is not None:
        vary = ", ".join(filter(None, (answer.headers.get("Vary"), "Origin")))
        cors = {"Access-Control-Allow-Origin": origin, "Vary": vary}
    else:
        return answer
    cors["Access-Control-Expose-Headers"] = "retry-after, www-authenticate"
    return Answer(answer.status, answer.body, {**answer.headers, **cors}, answer.is_base64)


@cache
def http_settings() -> HttpSettings:
    """Return how answers look in this execution environment."""
    return HttpSettings.from_environment(os.environ)
