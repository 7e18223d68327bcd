"""The boundary of the functions: events to requests, results and errors to responses."""

import base64
import json
import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from aws_lambda_powertools import Logger, Tracer
from pydantic import ValidationError

from shared.settings import settings

Event = dict[str, Any]
Handler = Callable[[Event, Any], dict[str, Any]]

logger = Logger(service="streaming")
tracer = Tracer(service="streaming")


class Problem(Exception):
    """An error response."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


def endpoint(handle: Handler) -> Handler:
    """Convert what ``handle`` returns or raises to a response."""

    @wraps(handle)
    def handler(event: Event, context: Any) -> dict[str, Any]:
        try:
            return _response(200, handle(event, context))
        except Problem as error:
            return _problem(error)
        except ValidationError as error:
            return _problem(Problem(422, "invalid_request", str(error)))

    return handler


def movie_of(event: Event) -> UUID:
    """Return the film in the path."""
    try:
        return UUID(event["pathParameters"]["movie_id"])
    except ValueError as error:
        raise Problem(422, "invalid_request", "movie_id is not a UUID") from error


def user_of(event: Event) -> UUID:
    """Return the user whom the authorizer has identified."""
    identity = event["requestContext"].get("authorizer", {}).get("lambda") or {}
    if "user_id" not in identity:
        raise Problem(401, "token_invalid", "the token is not valid")
    if float(identity["exp"]) < time.time():
        raise Problem(401, "token_expired", "the token has expired")
    return UUID(identity["user_id"])


def body_of(event: Event) -> str | bytes:
    """Return the body; an empty one counts as an empty object."""
    body = event.get("body") or "{}"
    return base64.b64decode(body) if event.get("isBase64Encoded") else body


def _response(status: int, body: dict[str, Any], kind: str = "json") -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {
            "Content-Type": f"application/{kind}",
            "Access-Control-Allow-Origin": settings.cors_allow_origin,
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        },
        "body": json.dumps(body, default=str),
        "isBase64Encoded": False,
    }


def _problem(error: Problem) -> dict[str, Any]:
    members = {
        "type": f"urn:streaming:problem:{error.code}",
        "title": error.code.replace("_", " "),
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
    }
    return _response(error.status, members, "problem+json")
