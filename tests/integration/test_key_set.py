"""Tokens signed with private keys, whose public keys the auth service publishes."""

import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.utils import base64url_encode

from streaming import clock, key_set
from streaming.key_set import KeysUnavailable
from tests.support.functions import event, forget_environment, invoke

USER = str(uuid4())
KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


class AuthService(ThreadingHTTPServer):
    """Publishes keys, counts who asks, and may drip or fail."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Keys)
        self.names: dict[str, str] = {algorithm: algorithm for algorithm in KEYS}
        self.asked = 0
        self.status = 200
        self.drips = threading.Event()
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """Where the keys are."""
        return f"http://127.0.0.1:{self.server_port}/jwks.json"

    @property
    def document(self) -> bytes:
        """The key set (RFC 7517)."""
        keys = [
            {**json.loads(_algorithm(algorithm).to_jwk(KEYS[algorithm].public_key())), "kid": name}
            for algorithm, name in self.names.items()
        ]
        return json.dumps({"keys": keys}).encode()


class Keys(BaseHTTPRequestHandler):
    """Answers with the key set."""

    server: AuthService

    def do_GET(self) -> None:
        """Answer as the server is told to."""
        self.server.asked += 1
        if self.server.drips.is_set():
            # Headers without an end: each read brings something, and the answer never comes.
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not self.server.over.wait(0.05):
                self.wfile.write(b"X-Drip: 1\r\n")
            return
        body = self.server.document
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


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


@pytest.fixture
def auth_service() -> Iterator[AuthService]:
    """An auth service."""
    with running(AuthService()) as server:
        yield server


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, auth_service: AuthService) -> None:
    """Functions of a deployment that verifies by key set."""
    monkeypatch.setenv("JWT_JWKS_URL", auth_service.url)
    monkeypatch.setenv("JWT_ALGORITHM", "RS256")
    monkeypatch.delenv("JWT_SECRET_KEY", raising=False)
    forget_environment()


def token(algorithm: str, *, name: str | None = None) -> str:
    """Return a token of the auth service."""
    return jwt.encode(
        claims(), KEYS[algorithm], algorithm=algorithm, headers={"kid": name or algorithm}
    )


def claims() -> dict[str, Any]:
    """Return what a good token says."""
    expires_at = clock.now() + timedelta(hours=1)
    return {"sub": USER, "exp": int(expires_at.timestamp())}


def confused_token() -> str:
    """Return a token that misuses the published key as a shared secret, by hand: PyJWT refuses."""
    secret = (
        KEYS["RS256"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    parts = ({"alg": "HS256", "typ": "JWT", "kid": "RS256"}, claims())
    text = b".".join(base64url_encode(json.dumps(part).encode()) for part in parts)
    signature = base64url_encode(hmac.digest(secret, text, "sha256"))
    return b".".join((text, signature)).decode()


def authorize(token: str) -> dict[str, Any]:
    """Call the authorizer with ``token``; return the context that it passes on."""
    headers = {"authorization": f"Bearer {token}"}
    answer = invoke("authorizer", {**event("authorizer"), "headers": headers})
    assert answer["isAuthorized"] is True
    context: dict[str, Any] = answer["context"]
    return context


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_each_algorithm(monkeypatch: pytest.MonkeyPatch, algorithm: str) -> None:
    """A token signed by the algorithm that is configured names its user."""
    monkeypatch.setenv("JWT_ALGORITHM", algorithm)

    assert authorize(token(algorithm))["user_id"] == USER


def test_no_other_algorithm() -> None:
    """Neither another published key, nor a public key misused as a shared secret, is accepted."""
    for bad in (token("ES256"), confused_token(), token("RS256", name="nobody's")):
        assert authorize(bad)["token_problem"] == "token_invalid"


def test_keys_are_asked_for_once(auth_service: AuthService) -> None:
    """An environment asks for the keys once, not with every token."""
    for _ in range(3):
        authorize(token("RS256"))

    assert auth_service.asked == 1


def test_new_key(monkeypatch: pytest.MonkeyPatch, auth_service: AuthService) -> None:
    """A token with a key that is new makes the keys be read anew."""
    monkeypatch.setattr(key_set, "_REFRESH_PAUSE_SECONDS", 0)
    authorize(token("RS256"))

    auth_service.names["RS256"] = "new"

    assert authorize(token("RS256", name="new"))["user_id"] == USER


def test_known_keys_outlast_an_outage(
    monkeypatch: pytest.MonkeyPatch, auth_service: AuthService
) -> None:
    """While the auth service fails, an environment goes on with the keys that it knows."""
    monkeypatch.setattr(key_set, "_LIFE_SECONDS", 1e-9)
    authorize(token("RS256"))
    auth_service.status = 503

    assert authorize(token("RS256"))["user_id"] == USER
    asked = auth_service.asked
    assert authorize(token("RS256"))["user_id"] == USER
    assert auth_service.asked == asked, "an auth service that fails is left alone for a while"


@pytest.mark.parametrize("failure", ["503", "drip", "gone"])
def test_nothing_known(auth_service: AuthService, failure: str) -> None:
    """Without keys nobody is let in, and nobody is told that their token is bad: it fails, soon.

    API Gateway would keep any answer for minutes; a failure it does not keep.
    """
    if failure == "503":
        auth_service.status = 503
    elif failure == "drip":
        auth_service.drips.set()
    else:
        auth_service.server_close()

    with pytest.raises(KeysUnavailable):
        authorize(token("RS256"))


def _algorithm(name: str) -> Any:
    return jwt.get_algorithm_by_name(name)
