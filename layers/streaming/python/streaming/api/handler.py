"""The boundary of every request function: an event comes in, an answer goes out, whatever happens.

The one place that asks who calls, turns errors into answers, logs what is unexpected, adds the
headers of every answer and opens the request's deadline.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, Protocol

from streaming.access.identity import Identity, require_admin, require_identity
from streaming.api.http import Answer, Request, problem
from streaming.config.http import HttpSettings
from streaming.config.variables import ConfigurationError
from streaming.domain import clock
from streaming.domain.errors import StreamingError
from streaming.observability.logging import service_logger
from streaming.observability.metrics import emit_server_error, emit_slow_answer
from streaming.resilience.deadline import within

logger = service_logger()

_REPLY_MARGIN_SECONDS = 0.25
_GATEWAY_SECONDS = 30.0
# An answer is data: it runs nothing, is shown in no frame and is what its Content-Type says.
# https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html
_FOR_BROWSERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class LambdaContext(Protocol):
    """What the entry point needs of Lambda's context object."""

    aws_request_id: str
    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    function_version: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the call."""


Handler = Callable[[Request, Identity], Answer]
PublicHandler = Callable[[Request], Answer]
LambdaHandler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def http_handler(
    *,
    budget_seconds: float,
    computing_seconds: float = 0.0,
    prompt_seconds: float | None = None,
    for_admins: bool = False,
) -> Callable[[Handler], LambdaHandler]:
    """Make a Lambda handler for an HTTP API out of ``handle(request, caller) -> answer``.

    Without a valid token the answer is 401, and 403 ``for_admins`` without that role.

    ``budget_seconds`` is how long the request may take, without as many ``computing_seconds`` of
    the processor; Lambda's own remaining time, less a margin to answer in, is respected too.
    ``prompt_seconds`` is how long an answer may take that viewers find prompt, if that is counted.
    """
    guard = require_admin if for_admins else require_identity

    def decorate(handle: Handler) -> LambdaHandler:
        @wraps(handle)
        def authenticated(request: Request) -> Answer:
            return handle(request, guard(request.authorizer, clock.now()))

        return _lambda_handler(
            authenticated, _Seconds(budget_seconds, computing_seconds, prompt_seconds)
        )

    return decorate


def public_http_handler(*, budget_seconds: float) -> Callable[[PublicHandler], LambdaHandler]:
    """Make a Lambda handler, as ``http_handler`` does, that answers whoever calls."""
    return lambda handle: _lambda_handler(handle, _Seconds(budget_seconds))


@dataclass(frozen=True, slots=True)
class _Seconds:
    """How long a request may take: at all, of the processor beside, and to count as prompt."""

    budget: float
    computing: float = 0.0
    prompt: float | None = None


def _lambda_handler(handle: PublicHandler, seconds: _Seconds) -> LambdaHandler:
    @wraps(handle)
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        request = Request.from_event(event)
        logger.append_keys(request_id=request.request_id, route=request.route)
        left = context.get_remaining_time_in_millis() / 1000 - _REPLY_MARGIN_SECONDS
        budget = min(seconds.budget, left)
        with within(budget, min(seconds.computing, left - budget)):
            answer = _answer(handle, request)
        if answer.status >= 500:
            emit_server_error(context.function_name, context.function_version, answer.status)
        elif seconds.prompt is not None:
            _note_slow(request, seconds.prompt, context.function_name)
        return _with_headers(answer, request).to_event()

    return logger.inject_lambda_context(handler, log_event=False)


def _answer(handle: PublicHandler, request: Request) -> Answer:
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
        unexpected = StreamingError("the service failed unexpectedly; quote the request_id")
        logger.exception("the request failed unexpectedly", code=unexpected.code)
        return problem(unexpected, request.request_id)


def _note_slow(request: Request, prompt_seconds: float, function_name: str) -> None:
    if request.arrived_at is None:
        return
    waited = (clock.now() - request.arrived_at).total_seconds()
    # API Gateway has given up by then: the event is an old one that somebody sends again.
    if prompt_seconds < waited < _GATEWAY_SECONDS:
        emit_slow_answer(function_name, request.request_id, waited)


def _with_headers(answer: Answer, request: Request) -> Answer:
    """Add what every answer says to browsers; its own headers go before."""
    headers = {**_FOR_BROWSERS, **_cors(request), **answer.headers}
    if headers.get("Access-Control-Allow-Origin") != "*":
        headers["Vary"] = ", ".join(filter(None, (answer.headers.get("Vary"), "Origin")))
    return Answer(answer.status, answer.body, headers, answer.is_base64)


def _cors(request: Request) -> dict[str, str]:
    """Let the caller's page read the answer if its origin may (https://fetch.spec.whatwg.org)."""
    allowed = http_settings().cors_allow_origins
    origin = "*" if "*" in allowed else request.headers.get("origin")
    if origin is None or origin not in allowed:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "retry-after, www-authenticate",
    }


@cache
def http_settings() -> HttpSettings:
    """Return how answers look in this execution environment."""
    return HttpSettings.from_environment(os.environ)
