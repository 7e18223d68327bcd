"""An S3 endpoint that refuses some requests and forwards all others to the real one."""

import threading
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

Refuses = Callable[[str, str], bool]
"""Whether a request, by its method and its path with query, is refused."""

_REFUSAL = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code>'
    "<Message>The quota is used up</Message></Error>"
)
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class FailingS3:
    """A context manager; ``refuses`` may be replaced at any time."""

    def __init__(self, upstream: int, refuses: Refuses, code: str = "AccessDenied") -> None:
        self.refuses = refuses
        self.refused: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if outer.refuses(self.command, self.path):
                    outer.refused.append(f"{self.command} {self.path.partition('?')[0]}")
                    return self.reply(403, _REFUSAL.format(code).encode(), {})
                connection = HTTPConnection("127.0.0.1", upstream)
                connection.putrequest(
                    self.command, self.path, skip_host=True, skip_accept_encoding=True
                )
                for name, value in self.headers.items():
                    if name.lower() not in ("connection", "expect"):
                        connection.putheader(name, value)
                connection.endheaders(body)
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                headers = {
                    name: value
                    for name, value in answer.getheaders()
                    if name.lower() not in _HOP_BY_HOP
                }
                return self.reply(answer.status, content, headers)

            do_GET = do_PUT = do_DELETE = do_POST = do_HEAD = handle_any  # noqa: N815 - its names

            def reply(self, status: int, content: bytes, headers: dict[str, str]) -> None:
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        """The endpoint's URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
