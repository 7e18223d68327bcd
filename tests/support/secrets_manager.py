"""AWS Secrets Manager on this machine, as far as the functions use it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

RESTORED_TOKEN = "restored"


class SecretsManager(HTTPServer):
    """Answers GetSecretValue from ``secrets``, and gives a restored environment credentials.

    ``callers`` are the access keys that have asked.
    """

    def __init__(self, secrets: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.secrets = secrets
        self.callers: list[str] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    @contextmanager
    def running(self) -> Iterator["SecretsManager"]:
        """Answer in a thread until left."""
        thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            thread.join()
            self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: SecretsManager

    def do_POST(self) -> None:
        """Answer the secret, or that there is none."""
        wanted = json.loads(self.rfile.read(int(self.headers["content-length"])))["SecretId"]
        caller = self.headers["authorization"].split("/")[0].rpartition("=")[2]
        self.server.callers.append(caller)
        if wanted in self.server.secrets:
            self._answer(200, {"SecretString": self.server.secrets[wanted]})
        else:
            self._answer(400, {"__type": "ResourceNotFoundException"})

    def do_GET(self) -> None:
        """Answer credentials to who has the token."""
        known = self.headers["authorization"] == RESTORED_TOKEN
        credentials = {"AccessKeyId": "RESTORED", "SecretAccessKey": "s", "Token": "t"}
        self._answer(200 if known else 403, credentials)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
