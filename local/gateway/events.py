"""Converts an HTTP request to an event of payload format 2.0.

The format follows API Gateway's documentation. Details that it does not specify follow captured
events: paths are percent-decoded once, before routing, so that ``%2F`` separates segments and a
decoded ``?`` ends the path; only text/* and three application types are passed as text, every other
body (form posts and bodies without a content type included) is base64-encoded; absent parts have no
key.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from local.gateway.model import ACCOUNT_ID, API_ID, STAGE, Authorizer
from local.gateway.routes import Match

_TEXT_TYPES = {"application/json", "application/javascript", "application/xml"}
_NOT_FORWARDED = {"connection", "cookie", "keep-alive", "te", "transfer-encoding", "upgrade"}


@dataclass(frozen=True)
class Request:
    """One HTTP request as received: ``target`` is the path, still percent-encoded."""

    method: str
    target: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    port: int
    id: str
    received: float
    protocol: str = "HTTP/1.1"

    @property
    def path(self) -> str:
        """Return the decoded path, as used by routing and events."""
        return unquote(self.target, errors="replace").partition("?")[0]

    def header(self, name: str) -> str:
        """Return a header's values joined with commas, "" if it is absent."""
        return ",".join(value for key, value in self.headers if key == name)


def new_request_id() -> str:
    """Return a request id in API Gateway's format."""
    return base64.urlsafe_b64encode(os.urandom(11)).decode()


def event(request: Request, match: Match, context: Any = None) -> dict[str, Any]:
    """Return the event for the route's function.

    Args:
        request: The received request.
        match: Its route, with the path variables.
        context: The authorizer's context; None if the route has no authorizer.
    """
    built = _common(request, match)
    if match.route.authorizer is not None:
        built["requestContext"]["authorizer"] = {"lambda": context}
    if request.body:
        kind = request.header("content-type").partition(";")[0].strip().lower()
        if kind.startswith("text/") or kind in _TEXT_TYPES:
            built["body"] = request.body.decode("utf-8", errors="replace")
        else:
            built["body"] = base64.b64encode(request.body).decode()
            built["isBase64Encoded"] = True
    built.setdefault("isBase64Encoded", False)
    return built


def authorizer_event(
    request: Request, match: Match, region: str, identity: Iterable[str]
) -> dict[str, Any]:
    """Return the event for the route's authorizer."""
    arn = f"arn:aws:execute-api:{region}:{ACCOUNT_ID}:{API_ID}/{STAGE}/{request.method}"
    common = _common(request, match)
    return {
        "version": common.pop("version"),
        "type": "REQUEST",
        "routeArn": arn + request.path,
        "identitySource": list(identity),
        **common,
    }


def identity_source(
    request: Request, authorizer: Authorizer, match: Match
) -> tuple[str, ...] | None:
    """Return the values that identify the caller, None if one of them is missing or empty."""
    queries = dict(parse_qsl(request.query))
    values = [
        *(request.header(name) for name in authorizer.headers),
        *(queries.get(name, "") for name in authorizer.query_strings),
    ]
    if authorizer.per_route:
        values.append(match.route.key)
    return tuple(values) if all(values) else None


def _common(request: Request, match: Match) -> dict[str, Any]:
    """Return the part common to both kinds of event."""
    cookies = [
        cookie.strip()
        for name, value in request.headers
        if name == "cookie"
        for cookie in value.split(";")
        if cookie.strip()
    ]
    queries = _joined(parse_qsl(request.query, keep_blank_values=True, errors="replace"))
    built: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.route.key,
        "rawPath": request.path,
        "rawQueryString": request.query,
    }
    if cookies:
        built["cookies"] = cookies
    built["headers"] = _headers(request)
    if queries:
        built["queryStringParameters"] = queries
    built["requestContext"] = _request_context(request, match)
    if match.parameters:
        built["pathParameters"] = match.parameters
    return built


def _headers(request: Request) -> dict[str, str]:
    """Return the headers, with those that API Gateway adds."""
    headers = _joined(item for item in request.headers if item[0] not in _NOT_FORWARDED)
    headers.setdefault("content-length", str(len(request.body)))
    forwarded = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = ", ".join(filter(None, (forwarded, request.source_ip)))
    headers["x-forwarded-port"] = str(request.port)
    headers["x-forwarded-proto"] = "http"
    random = os.urandom(12).hex()
    headers.setdefault("x-amzn-trace-id", f"Root=1-{int(request.received):08x}-{random}")
    return dict(sorted(headers.items()))


def _request_context(request: Request, match: Match) -> dict[str, Any]:
    """Return the request context; the domain is that of the Host header."""
    domain = request.header("host").partition(":")[0]
    received = datetime.fromtimestamp(request.received, UTC)
    return {
        "accountId": ACCOUNT_ID,
        "apiId": API_ID,
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent"),
        },
        "requestId": request.id,
        "routeKey": match.route.key,
        "stage": STAGE,
        "time": received.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(request.received * 1000),
    }


def _joined(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return a mapping in which the values of repeated names are joined with commas."""
    joined: dict[str, str] = {}
    for name, value in items:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined
