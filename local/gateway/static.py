"""Serves the two pages and the files of ``web/`` only; clients revalidate on each request."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from urllib.parse import unquote

from local.gateway import responses
from local.gateway.events import Request
from local.gateway.responses import Response

# The system's table may lack these types or have wrong ones; module scripts require theirs.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".map": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".mpd": "application/dash+xml",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}


# Films come from the bucket, whose address is not known here; players assemble them as blobs and
# parse them in workers.
_POLICY = (
    "default-src 'self'; connect-src 'self' data: http: https:; "
    "img-src 'self' data: blob: http: https:; media-src 'self' blob: http: https:; "
    "style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FOR_BROWSERS = [
    ("content-security-policy", _POLICY),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
]


PAGES = {"/": "index.html", "/dashboard": "dashboard.html"}


class StaticFiles:
    """The files of one folder: two pages have addresses, ``/web/…`` are the files themselves."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def answer(self, request: Request) -> Response:
        """Return the file that the path names, or 304 if the client has its current version."""
        if request.method not in ("GET", "HEAD"):
            return responses.message(405, "Method Not Allowed")
        path = unquote(request.target).removeprefix("/web/")
        file = self._find(PAGES.get(request.target, path))
        if file is None:
            return responses.message(404, "Not Found")
        status = file.stat()
        tag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
        kept = [("etag", tag), ("cache-control", "no-cache"), *_FOR_BROWSERS]
        if tag in request.header("if-none-match"):
            return Response(304, kept)
        guessed = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        kind = _TYPES.get(file.suffix.lower(), guessed)
        return Response(200, [("content-type", kind), *kept], file.read_bytes())

    def _find(self, relative: str) -> Path | None:
        """Return the file, None if the path is hidden, outside the folder or not a file."""
        if "\0" in relative or any(part.startswith(".") for part in relative.split("/")):
            return None
        try:
            file = (self._root / relative.lstrip("/")).resolve()
            inside = file.is_relative_to(self._root)
            return file if inside and file.is_file() else None
        except (OSError, ValueError):
            return None  # an invalid file name
