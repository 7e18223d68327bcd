"""GET /docs, /openapi.json and /health: the API's documentation and its health check."""

import base64
import gzip
import hashlib
import os
from functools import cache
from pathlib import Path

from streaming.api.handler import public_http_handler
from streaming.api.http import Request, Response, ok
from streaming.api.response_models import Health
from streaming.composition.environment import Environment
from streaming.domain.errors import NotFound

ENVIRONMENT = Environment(os.environ)
HERE = Path(__file__).parent
SWAGGER_UI = HERE / "swagger-ui"
START = 'SwaggerUIBundle({ url: "openapi.json", dom_id: "#docs", tryItOutEnabled: true });'
CACHED_FOR_AN_HOUR = "public, max-age=3600"


class DocsDisabled(NotFound):
    """This deployment does not serve its documentation."""

    code = "docs_disabled"
    title = "The documentation is switched off"


@public_http_handler(ENVIRONMENT, budget_seconds=3)
def handler(request: Request, environment: Environment) -> Response:
    """Return the document of the route. Raises ``DocsDisabled`` if there is no documentation."""
    if request.route == "GET /health":
        return ok(Health("ok"))
    if not environment.http_settings.docs_enabled:
        raise DocsDisabled("this deployment does not show its documentation")
    if request.route == "GET /openapi.json":
        document = (HERE / "openapi.json").read_text("utf-8")
        return _cacheable(Response(200, document, {"Content-Type": "application/json"}), request)
    return _cacheable(_page(), request)


@cache
def _page() -> Response:
    """Return Swagger UI as one page, which needs no other route and no other host."""
    style = (SWAGGER_UI / "swagger-ui.css").read_text("utf-8")
    scripts = ((SWAGGER_UI / "swagger-ui-bundle.js").read_text("utf-8"), START)
    text = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Streaming Service</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<div id="docs"></div>
{"".join(f"<script>{script}</script>" for script in scripts)}
</body>
</html>
"""
    # Swagger UI shows inline pictures, calls this API and sets styles on elements.
    policy = {
        "default-src": "'none'",
        "script-src": " ".join(map(_hash, scripts)),
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    csp = "; ".join(f"{name} {sources}" for name, sources in policy.items())
    return Response(
        200, text, {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": csp}
    )


def _hash(script: str) -> str:
    """Return the source expression of an inline script (https://www.w3.org/TR/CSP3/)."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _cacheable(response: Response, request: Request) -> Response:
    headers = {
        **response.headers,
        "Cache-Control": CACHED_FOR_AN_HOUR,
        "Vary": "Accept-Encoding",
    }
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(response.status, response.body, headers)
    headers["Content-Encoding"] = "gzip"
    return Response(response.status, _compressed(response.body), headers, is_base64=True)


@cache
def _compressed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
