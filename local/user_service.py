"""A substitute for the user service whose subscriptions a developer can set.

`GET /api/v1/subscriptions/current` returns the subscription of the token's user, like the real
service. `PUT /local/subscriptions/{user_id}` sets it; a restart keeps it. Run as
`python -m local.user_service --port P --subscriptions FILE` with JWT_SECRET_KEY in the environment.
"""

import argparse
import json
import os
import re
import signal
import threading
import uuid
from collections.abc import Collection
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

import jwt

from local.files import write_privately
from local.hosts import is_this_machine

MAX_BODY_BYTES = 16 * 1024
FIELDS: dict[str, type | tuple[type, ...]] = {
    "is_active": bool,
    "plan_id": (str, type(None)),
    "expires_at": (str, type(None)),
    "max_streams": (int, type(None)),
}
SUBSCRIPTION_PATH = re.compile(r"/local/subscriptions/([0-9a-fA-F-]{36})")


class Subscriptions:
    """The subscription of each user, in memory and in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._by_user: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def of(self, user_id: str) -> dict[str, Any] | None:
        """Return a user's subscription, None for an unknown user."""
        subscription: dict[str, Any] | None = self._by_user.get(user_id)
        return subscription

    def put(self, user_id: str, subscription: dict[str, Any]) -> None:
        """Store a user's subscription."""
        with self._lock:
            self._by_user[user_id] = subscription
            write_privately(self._path, json.dumps(self._by_user, indent=2))


class ProblemError(Exception):
    """An error response."""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        self.status, self.code, self.detail = status, code, detail


class Handler(BaseHTTPRequestHandler):
    """Handles one connection; the server has the subscriptions."""

    server: "UserService"
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Return the user's subscription, or the result of the health check."""
        self._answer_with(self._get)

    def do_PUT(self) -> None:
        """Set a user's subscription."""
        self._answer_with(self._put)

    def _get(self) -> Any:
        if self.path == "/health":
            return {"status": "ok"}
        if self.path != "/api/v1/subscriptions/current":
            raise ProblemError(HTTPStatus.NOT_FOUND, "not_found", "no such path")
        subscription = self.server.subscriptions.of(self._user_id())
        if subscription is None:
            raise ProblemError(HTTPStatus.NOT_FOUND, "subscription_not_found", "no subscription")
        return subscription

    def _put(self) -> Any:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            raise ProblemError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", "the body is too large"
            )
        body = self.rfile.read(int(length))
        match = SUBSCRIPTION_PATH.fullmatch(self.path)
        if match is None:
            raise ProblemError(HTTPStatus.NOT_FOUND, "not_found", "no such path")
        subscription = _subscription(body)
        self.server.subscriptions.put(match[1].lower(), subscription)
        return subscription

    def _user_id(self) -> str:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ProblemError(HTTPStatus.UNAUTHORIZED, "token_missing", "send a bearer token")
        for secret in self.server.secrets:
            try:
                claims = jwt.decode(
                    token.strip(),
                    secret,
                    algorithms=["HS256"],
                    options={
                        "require": ["exp", "sub"],
                        "verify_aud": False,
                        # The API checks nbf and iat.
                        "verify_nbf": False,
                        "verify_iat": False,
                    },
                )
                return str(uuid.UUID(claims["sub"]))
            except (jwt.PyJWTError, ValueError, RecursionError):
                continue
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "token_invalid", "the token is not valid")

    def _check_host(self) -> None:
        if not is_this_machine(self.headers.get("Host", ""), self.server.names):
            self.close_connection = True
            raise ProblemError(
                HTTPStatus.MISDIRECTED_REQUEST, "wrong_host", "the Host header is not this server"
            )

    def _answer_with(self, call: Any) -> None:
        try:
            self._check_host()
            self._send(HTTPStatus.OK, "application/json", call())
        except ProblemError as problem:
            body = {
                "type": "about:blank",
                "title": problem.status.phrase,
                "status": problem.status.value,
                "detail": problem.detail,
                "code": problem.code,
            }
            self._send(problem.status, "application/problem+json", body)

    def _send(self, status: HTTPStatus, content_type: str, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(body)


class UserService(ThreadingHTTPServer):
    """Listens on one address, with one thread per connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        host: str,
        port: int,
        subscriptions: Subscriptions,
        secrets: list[str],
        names: Collection[str] = (),
    ) -> None:
        super().__init__((host, port), Handler)
        self.names = names
        self.subscriptions = subscriptions
        self.secrets = secrets

    def server_bind(self) -> None:
        """Bind without HTTPServer's look-up of the machine's host name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


def _subscription(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "invalid_json", str(error)) from None
    if not isinstance(document, dict) or "is_active" not in document:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", "is_active is missing"
        )
    for name, value in document.items():
        if name not in FIELDS or not isinstance(value, FIELDS[name]):
            raise ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", f"{name} is invalid"
            )
    return document


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", action="append", default=[], help="another accepted host name")
    parser.add_argument("--subscriptions", type=Path, required=True)
    arguments = parser.parse_args()
    secrets = os.environ["JWT_SECRET_KEY"].split(",")
    subscriptions = Subscriptions(arguments.subscriptions)
    service = UserService(arguments.host, arguments.port, subscriptions, secrets, arguments.name)
    # shutdown() waits for the loop that the signal handler interrupts, so it needs its own thread.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: threading.Thread(target=service.shutdown).start())
    service.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
