"""CORS like an HTTP API: the API's configuration replaces a function's CORS headers."""

from __future__ import annotations

from local.gateway.events import Request
from local.gateway.model import Cors
from local.gateway.responses import Response

_SCHEMES = ("http://*", "https://*")


def preflight(cors: Cors, request: Request) -> Response:
    """Return the response to OPTIONS, with CORS headers only if the whole request is allowed."""
    response = Response(204)
    wanted_method = request.header("access-control-request-method").upper()
    origin = _allowed_origin(cors, request)
    if origin is None or not _allows(cors.methods, wanted_method):
        return response
    wanted = request.header("access-control-request-headers").split(",")
    if not all(_allows(cors.headers, name.strip()) for name in wanted if name.strip()):
        return response
    response.headers.append(("access-control-allow-origin", origin))
    response.headers.append(("access-control-allow-methods", ",".join(cors.methods)))
    if cors.headers:
        response.headers.append(("access-control-allow-headers", ",".join(cors.headers)))
    if cors.max_age is not None:
        response.headers.append(("access-control-max-age", str(cors.max_age)))
    if cors.credentials:
        response.headers.append(("access-control-allow-credentials", "true"))
    return response


def apply(cors: Cors | None, request: Request, response: Response) -> None:
    """Replace the function's CORS headers by those of the API."""
    if cors is None:
        return
    response.headers = [
        item for item in response.headers if not item[0].startswith("access-control-")
    ]
    origin = _allowed_origin(cors, request)
    if origin is None:
        return
    response.headers.append(("access-control-allow-origin", origin))
    if cors.expose:
        response.headers.append(("access-control-expose-headers", ",".join(cors.expose)))
    if cors.credentials:
        response.headers.append(("access-control-allow-credentials", "true"))


def _allowed_origin(cors: Cors, request: Request) -> str | None:
    """Return the value of access-control-allow-origin, None if the origin is not allowed."""
    origin = request.header("origin")
    if not origin:
        return None
    if "*" in cors.origins:
        return "*"
    schemes = tuple(pattern[:-1] for pattern in cors.origins if pattern in _SCHEMES)
    return origin if origin in cors.origins or origin.startswith(schemes) else None


def _allows(listed: tuple[str, ...], wanted: str) -> bool:
    """Return whether the list contains * or, case-insensitively, the wanted name."""
    return "*" in listed or wanted.lower() in (name.lower() for name in listed)
