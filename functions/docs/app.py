"""GET /docs, /openapi.json and /health: what the API is, and that it runs."""

import base64
import gzip
from functools import cache
from pathlib import Path

from streaming.answers import Health
from streaming.entrypoint import http_handler, http_settings
from streaming.errors import NotFound
from streaming.http import Answer, Request, ok

HERE = Path(__file__).parent
SWAGGER_UI = HERE / "swagger-ui"
CACHED_FOR_AN_HOUR = "public, max-age=3600"


class DocsDisabled(NotFound):
    """This deployment does not show its documentation."""

    code = "docs_disabled"
    title = "The documentation is switched off"


@http_handler(budget_seconds=3)
def handler(request: Request) -> Answer:
    """Answer the document that the route names."""
    if request.route == "GET /health":
        return ok(Health("ok"))
    if not http_settings().docs_enabled:
        raise DocsDisabled("this deployment does not show its documentation")
    if request.route == "GET /openapi.json":
        return _document((HERE / "openapi.json").read_text("utf-8"), "application/json", request)
    return _document(_page(), "text/html; charset=utf-8", request)


def _page() -> str:
    """Return Swagger UI in one page, so that it needs no other route and no other host."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Streaming Service</title>
<link rel="icon" href="data:,">
<style>{(SWAGGER_UI / "swagger-ui.css").read_text("utf-8")}</style>
</head>
<body>
<div id="docs"></div>
<script>{(SWAGGER_UI / "swagger-ui-bundle.js").read_text("utf-8")}</script>
<script>SwaggerUIBundle({{ url: "openapi.json", dom_id: "#docs", tryItOutEnabled: true }});</script>
</body>
</html>
"""


def _document(text: str, content_type: str, request: Request) -> Answer:
    headers = {
        "Content-Type": content_type,
        "Cache-Control": CACHED_FOR_AN_HOUR,
        "Vary": "Accept-Encoding",
    }
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Answer(200, text, headers)
    return Answer(200, _compressed(text), {**headers, "Content-Encoding": "gzip"}, is_base64=True)


@cache
def _compressed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
