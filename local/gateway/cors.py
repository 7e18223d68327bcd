"""CORS as an HTTP API does it: the API's configuration replaces whatever a function says."""

from __future__ import annotations

from local.gateway.events import Request
from local.gateway.model import Cors
from local.gateway.responses import Response

_SCHEMES = ("http://*", "https://*")


def preflight(cors: Cors, request: Request) -> Response:
    """Return the gateway's answer to OPTIONS; without CORS headers unless all of it is allowed."""
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
    """Put the API's CORS headers in place of the function's own."""
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
    """Return what to say of the request's origin, None when it is absent or not allowed."""
    origin = request.header("origin")
    if not origin:
        return None
    if "*" in cors.origins:
        return "*"
    schemes = tuple(pattern[:-1] for pattern in cors.origins if pattern in _SCHEMES)
    return origin if origin in cors.origins or origin.startswith(schemes) else None


def _allows(listed: tuple[str, ...], wanted: str) -> bool:
    """Tell whether a list that may hold * has the wanted name, whatever its case."""
    return "*" in listed or wanted.lower() in (name.lower() for name in listed)
