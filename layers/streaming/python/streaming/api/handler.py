"""The boundary of all HTTP functions: converts an event to a request, and a result to a response.

Only this module requires an identity, converts errors to responses, logs unexpected errors, adds
the headers that all responses have, and sets the request's deadline.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol, TypeVar

from streaming.access.identity import Identity, require_admin, require_identity
from streaming.api.cors import with_cors
from streaming.api.http import Request, Response, problem
from streaming.config.http import HttpSettings
from streaming.config.variables import ConfigurationError
from streaming.domain import clock
from streaming.domain.errors import StreamingError
from streaming.observability.logging import service_logger
from streaming.observability.metrics import emit_server_error, emit_slow_answer
from streaming.observability.sampling import is_sampled
from streaming.resilience.deadline import within

logger = service_logger()

_REPLY_MARGIN_SECONDS = 0.25
_GATEWAY_SECONDS = 30.0
# Browsers must not run scripts in a response, show it in a frame or guess its content type.
# https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html
_FOR_BROWSERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class LambdaContext(Protocol):
    """The members of Lambda's context object that the boundary and its logger use."""

    aws_request_id: str
    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    function_version: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function's time-out."""


class HttpEnvironment(Protocol):
    """The members of an execution environment that the boundary uses."""

    @property
    def http_settings(self) -> HttpSettings:
        """The settings of responses."""
        ...


E = TypeVar("E", bound=HttpEnvironment)
Handler = Callable[[Request, Identity, E], Response]
PublicHandler = Callable[[Request, E], Response]
LambdaHandler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def http_handler(
    environment: E,
    *,
    budget_seconds: float,
    computing_seconds: float = 0.0,
    prompt_seconds: float | None = None,
    for_admins: bool = False,
) -> Callable[[Handler[E]], LambdaHandler]:
    """Decorate ``handle(request, caller, environment)`` to be a Lambda handler for an HTTP API.

    The handler uses ``environment`` unless it is called with another one as third argument. It
    responds 401 without a valid token and, if ``for_admins``, 403 without the role admin.

    ``budget_seconds`` limits the duration of the request; CPU time up to ``computing_seconds``
    does not count. Lambda's remaining time, less a margin for the response, limits it as well.
    Responses later than ``prompt_seconds`` after the request's arrival are counted as slow; None
    counts none.
    """
    guard = require_admin if for_admins else require_identity

    def decorate(handle: Handler[E]) -> LambdaHandler:
        @wraps(handle)
        def authenticated(request: Request, environment: E) -> Response:
            return handle(request, guard(request.authorizer, clock.now()), environment)

        seconds = _Seconds(budget_seconds, computing_seconds, prompt_seconds)
        return _lambda_handler(authenticated, environment, seconds)

    return decorate


def public_http_handler(
    environment: E, *, budget_seconds: float
) -> Callable[[PublicHandler[E]], LambdaHandler]:
    """Decorate ``handle(request, environment)`` like ``http_handler``, without authentication."""
    return lambda handle: _lambda_handler(handle, environment, _Seconds(budget_seconds))


@dataclass(frozen=True, slots=True)
class _Seconds:
    """The limits of a request's waiting time and CPU time, and the objective of its duration."""

    budget: float
    computing: float = 0.0
    prompt: float | None = None


def _lambda_handler(handle: PublicHandler[E], of_process: E, seconds: _Seconds) -> LambdaHandler:
    @wraps(handle)
    def handler(
        event: dict[str, Any], context: LambdaContext, environment: E = of_process
    ) -> dict[str, Any]:
        request = Request.from_event(event)
        logger.append_keys(request_id=request.request_id, route=request.route)
        left = context.get_remaining_time_in_millis() / 1000 - _REPLY_MARGIN_SECONDS
        budget = min(seconds.budget, left)
        with within(budget, min(seconds.computing, left - budget)):
            response = _respond(handle, request, environment)
        if response.status >= 500:
            emit_server_error(context.function_name, context.function_version, response.status)
        elif seconds.prompt is not None:
            _note_slow(request, seconds.prompt, context.function_name)
        settings = environment.http_settings
        if is_sampled(request.request_id, settings.sampled_calls):
            logger.info("a sampled call", status=response.status)
        answer = with_cors(response, request, settings.cors_allow_origins)
        return _for_browsers(answer).to_event()

    return logger.inject_lambda_context(handler, log_event=False)


def _respond(handle: PublicHandler[E], request: Request, environment: E) -> Response:
    try:
        return handle(request, environment)
    except StreamingError as error:
        level = logger.error if error.status >= 500 else logger.info
        is_ours = error.status >= 500
        level(error.title, code=error.code, detail=error.detail, exc_info=is_ours)
        return problem(error, request.request_id)
    except ConfigurationError:
        # Not converted to a response: Lambda counts the error, which rolls a deployment back.
        raise
    except Exception:
        unexpected = StreamingError("the service failed unexpectedly; quote the request_id")
        logger.exception("the request failed unexpectedly", code=unexpected.code)
        return problem(unexpected, request.request_id)


def _note_slow(request: Request, prompt_seconds: float, function_name: str) -> None:
    if request.arrived_at is None:
        return
    waited = (clock.now() - request.arrived_at).total_seconds()
    # API Gateway times out earlier; a longer wait means that an old event was sent again.
    if prompt_seconds < waited < _GATEWAY_SECONDS:
        emit_slow_answer(function_name, request.request_id, waited)


def _for_browsers(response: Response) -> Response:
    headers = {**_FOR_BROWSERS, **response.headers}
    return Response(response.status, response.body, headers, response.is_base64)
