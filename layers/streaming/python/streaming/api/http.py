"""HTTP requests and responses in API Gateway's payload format 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from streaming.api.headers import lower_case_names
from streaming.domain import clock
from streaming.domain.errors import BodyTooLarge, InvalidJson, InvalidRequest, StreamingError
from streaming.domain.identifiers import parse_uuid

MAX_BODY_BYTES = 16 * 1024

_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """The parts of a request that handlers use. Header names are lower-case."""

    route: str
    headers: Mapping[str, str]
    path_parameters: Mapping[str, str]
    query: Mapping[str, str]
    authorizer: Mapping[str, Any]
    source_ip: str | None
    user_agent: str | None
    request_id: str
    arrived_at: datetime | None
    raw_body: str = field(repr=False)
    body_is_base64: bool

    @classmethod
    def from_event(cls, event: Event) -> Self:
        """Parse a payload 2.0 event. Absent members become empty."""
        context = event.get("requestContext") or {}
        http = context.get("http") or {}
        authorizer = (context.get("authorizer") or {}).get("lambda") or {}
        return cls(
            route=event.get("routeKey") or "",
            headers=lower_case_names(event.get("headers")),
            path_parameters=event.get("pathParameters") or {},
            query=event.get("queryStringParameters") or {},
            authorizer=authorizer,
            source_ip=http.get("sourceIp"),
            user_agent=http.get("userAgent"),
            request_id=context.get("requestId") or "",
            arrived_at=clock.from_milliseconds(context.get("timeEpoch")),
            raw_body=event.get("body") or "",
            body_is_base64=bool(event.get("isBase64Encoded")),
        )

    @property
    def movie_id(self) -> UUID:
        """The id of the film in the path. Raises ``InvalidRequest`` if it is not a UUID."""
        movie_id = parse_uuid(self.path_parameters.get("movie_id"))
        if movie_id is None:
            raise InvalidRequest("movie_id is not a UUID")
        return movie_id

    @property
    def user_id(self) -> UUID:
        """The id of the user in the path. Raises ``InvalidRequest`` if it is not a UUID."""
        user_id = parse_uuid(self.path_parameters.get("user_id"))
        if user_id is None:
            raise InvalidRequest("user_id is not a UUID")
        return user_id

    @property
    def body(self) -> bytes:
        """The body's bytes. Raises ``BodyTooLarge`` over 16 KiB, ``InvalidJson`` if undecodable."""
        if len(self.raw_body) > 2 * MAX_BODY_BYTES:
            raise BodyTooLarge(f"the body is larger than {MAX_BODY_BYTES} bytes")
        try:
            body = (
                base64.b64decode(self.raw_body, validate=True)
                if self.body_is_base64
                else self.raw_body.encode()
            )
        except (binascii.Error, UnicodeEncodeError) as error:
            raise InvalidJson("the body is not UTF-8 text") from error
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"the body is larger than {MAX_BODY_BYTES} bytes")
        return body

    def query_integer(self, name: str, default: int, *, least: int, most: int) -> int:
        """Return the query parameter ``name``, or ``default`` if it is absent.

        Raises ``InvalidRequest`` unless it is a whole number from ``least`` to ``most``.
        """
        text = self.query.get(name)
        if text is None:
            return default
        if not _WHOLE_NUMBER.fullmatch(text) or not least <= int(text) <= most:
            raise InvalidRequest(f"{name} is not a whole number from {least} to {most}")
        return int(text)


@dataclass(frozen=True, slots=True)
class Response:
    """A response in payload format 2.0. ``body`` is text, or base64 when ``is_base64``."""

    status: int
    body: str
    headers: Mapping[str, str]
    is_base64: bool = False

    def to_event(self) -> dict[str, Any]:
        """Return the object that API Gateway expects of the function."""
        return {
            "statusCode": self.status,
            "headers": dict(self.headers),
            "body": self.body,
            "isBase64Encoded": self.is_base64,
        }


def ok(value: Any) -> Response:
    """Return a 200 response with ``value``, a dataclass or plain JSON data; it is not cached."""
    return Response(
        200,
        to_json(value),
        {"Content-Type": "application/json", "Cache-Control": "no-store"},
    )


def no_content() -> Response:
    """Return a 204 response, which has no body."""
    return Response(204, "", {"Cache-Control": "no-store"})


def problem(error: StreamingError, request_id: str) -> Response:
    """Return ``error`` as a response with RFC 9457 problem details."""
    headers = {
        "Content-Type": "application/problem+json",
        "Cache-Control": "no-store",
        **error.headers,
    }
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    members = {
        "type": f"urn:streaming:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
        **error.members,
    }
    return Response(error.status, to_json(members), headers)


def to_json(value: Any) -> str:
    """Serialise plain JSON data, dataclasses, UUIDs, days and times (ISO 8601 with ``Z``)."""
    return json.dumps(value, default=_plain, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, date | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
