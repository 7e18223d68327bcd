"""An auth service that publishes its keys, and can fail in every way."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


class AuthService(ThreadingHTTPServer):
    """Publishes keys, counts requests, and can respond slowly or fail."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Keys)
        self.names: dict[str, str] = {algorithm: algorithm for algorithm in KEYS}
        self.asked = 0
        self.status = 200
        self.encoding = ""
        self.other_document: bytes | None = None
        self.drips = threading.Event()
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """The URL of the keys."""
        return f"http://127.0.0.1:{self.server_port}/jwks.json"

    @property
    def document(self) -> bytes:
        """The key set (RFC 7517), or another response."""
        if self.other_document is not None:
            return self.other_document
        keys = [
            {**jwk(algorithm, KEYS[algorithm]), "kid": name}
            for algorithm, name in self.names.items()
        ]
        return json.dumps({"keys": keys}).encode()


class Keys(BaseHTTPRequestHandler):
    """Responds with the key set."""

    server: AuthService

    def do_GET(self) -> None:
        """Respond as configured."""
        self.server.asked += 1
        if self.server.drips.is_set():
            # Endless headers: each read returns data, but the response never arrives.
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not self.server.over.wait(0.05):
                self.wfile.write(b"X-Drip: 1\r\n")
            return
        body = self.server.document
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        if self.server.encoding:
            self.send_header("Content-Encoding", self.server.encoding)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Suppress the log."""


@contextmanager
def running(server: AuthService) -> Iterator[AuthService]:
    """Serve in a thread."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()


def jwk(algorithm: str, private_key: Any) -> dict[str, Any]:
    """Return the public key as a member of a key set."""
    kind: Any = jwt.get_algorithm_by_name(algorithm)
    member: dict[str, Any] = json.loads(kind.to_jwk(private_key.public_key()))
    return member
