"""A credentials endpoint, as Lambda provides to an environment restored from a snapshot."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

TOKEN = "a-token"


class RoleCredentials(ThreadingHTTPServer):
    """Responds with ``session`` to requests with the token; ``variables`` contain its address."""

    def __init__(self, session: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.session = session

    @property
    def variables(self) -> dict[str, str]:
        """The variables that Lambda sets instead of keys."""
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self.server_port}/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN,
        }


@contextmanager
def role_credentials(session: Mapping[str, str]) -> Iterator[RoleCredentials]:
    """Serve ``session``, whose members are named as variables, in the context."""
    with RoleCredentials(session) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: RoleCredentials

    def do_GET(self) -> None:
        """Respond with the session."""
        session = self.server.session
        is_known = self.headers["Authorization"] == TOKEN
        answer = {
            "AccessKeyId": session["AWS_ACCESS_KEY_ID"],
            "SecretAccessKey": session["AWS_SECRET_ACCESS_KEY"],
            "Token": session["AWS_SESSION_TOKEN"],
            "Expiration": session["AWS_CREDENTIAL_EXPIRATION"],
        }
        body = json.dumps(answer if is_known else {"code": "Unauthorized"}).encode()
        self.send_response(200 if is_known else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Suppress the log."""
