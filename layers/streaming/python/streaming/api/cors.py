"""Cross-origin resource sharing: which pages may read a response (https://fetch.spec.whatwg.org)."""

from collections.abc import Collection

from streaming.api.http import Request, Response


def with_cors(response: Response, request: Request, allowed_origins: Collection[str]) -> Response:
    """Allow the request's origin to read ``response`` if it is listed; ``*`` allows all origins."""
    headers = {**_access(request, allowed_origins), **response.headers}
    if headers.get("Access-Control-Allow-Origin") != "*":
        headers["Vary"] = ", ".join(filter(None, (response.headers.get("Vary"), "Origin")))
    return Response(response.status, response.body, headers, response.is_base64)


def _access(request: Request, allowed_origins: Collection[str]) -> dict[str, str]:
    origin = "*" if "*" in allowed_origins else request.headers.get("origin")
    if origin is None or origin not in allowed_origins:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "retry-after, www-authenticate",
    }
