"""Tokens signed with private keys, whose public keys the auth service publishes."""

import gzip
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.utils import base64url_encode

from streaming.access.jwks import LIFE_SECONDS, REFRESH_PAUSE_SECONDS, KeySet
from streaming.access.tokens import KeysUnavailable, TokenUndecided, TokenVerifier
from streaming.config.tokens import TokenSettings
from streaming.domain import clock
from tests.support.emitted import emitted
from tests.support.functions import event, forget_environment, invoke
from tests.support.tls import Authority, TlsFront

USER = str(uuid4())
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
            {**json.loads(_algorithm(algorithm).to_jwk(KEYS[algorithm].public_key())), "kid": name}
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
    """Return the claims of a valid token."""
    expires_at = clock.now() + timedelta(hours=1)
    return {"sub": USER, "exp": int(expires_at.timestamp())}


def confused_token() -> str:
    """Return a token that misuses the published key as a shared secret; PyJWT would refuse."""
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
    """Call the authorizer with ``token``; return its context."""
    answer = answer_to(token)
    assert answer is not None
    assert answer["isAuthorized"] is True
    context: dict[str, Any] = answer["context"]
    return context


def answer_to(token: str) -> Any:
    """Call the authorizer with ``token``; return its response."""
    headers = {"authorization": f"Bearer {token}"}
    return invoke("authorizer", {**event("authorizer"), "headers": headers})


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_each_algorithm(monkeypatch: pytest.MonkeyPatch, algorithm: str) -> None:
    """A token signed by the configured algorithm identifies its user."""
    monkeypatch.setenv("JWT_ALGORITHM", algorithm)

    assert authorize(token(algorithm))["user_id"] == USER


@pytest.mark.parametrize("wrong", [None, "authority", "host name", "plaintext"])
def test_keys_over_tls(
    monkeypatch: pytest.MonkeyPatch, auth_service: AuthService, tmp_path: Path, wrong: str | None
) -> None:
    """Keys are requested over TLS only from a server with a verified name."""
    trusted, stranger = Authority(tmp_path, "trusted"), Authority(tmp_path, "stranger")
    with TlsFront(auth_service.server_port, trusted.server_context("127.0.0.1")) as front:
        host = "localhost" if wrong == "host name" else "127.0.0.1"
        port = auth_service.server_port if wrong == "plaintext" else front.port
        file = stranger.file if wrong == "authority" else trusted.file
        monkeypatch.setenv("JWT_JWKS_URL", f"https://{host}:{port}/jwks.json")
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        forget_environment()

        if wrong is None:
            assert authorize(token("RS256"))["user_id"] == USER
        else:
            with pytest.raises(KeysUnavailable):
                authorize(token("RS256"))
        forget_environment()
        assert (front.handshakes, auth_service.asked) == ((1, 1) if wrong is None else (0, 0))


def test_no_other_algorithm() -> None:
    """Neither another published key, nor a public key misused as a shared secret, is accepted."""
    for bad in (token("ES256"), confused_token(), token("RS256", name="nobody's")):
        assert authorize(bad)["token_problem"] == "token_invalid"


def test_keys_are_asked_for_once(auth_service: AuthService) -> None:
    """An environment requests the keys once, not with every token."""
    for _ in range(3):
        authorize(token("RS256"))

    assert auth_service.asked == 1


class Verifier:
    """The authorizer's token verifier; ``seconds`` is the time of its clock."""

    def __init__(self, auth_service: AuthService) -> None:
        self.seconds = 1000.0
        keys = KeySet(auth_service.url, "RS256", clock=lambda: self.seconds)
        settings = {"JWT_ALGORITHM": "RS256", "JWT_JWKS_URL": auth_service.url}
        self._verifier = TokenVerifier(TokenSettings.from_environment(settings), key_set=keys)

    def user_of(self, token: str) -> str:
        """Return the user of the token."""
        return str(self._verifier.verify(f"Bearer {token}", clock.now()).user_id)


def test_new_key(auth_service: AuthService) -> None:
    """A token with a new key causes another request of the keys."""
    verifier = Verifier(auth_service)
    verifier.user_of(token("RS256"))

    auth_service.names["RS256"] = "new"
    verifier.seconds += REFRESH_PAUSE_SECONDS

    assert verifier.user_of(token("RS256", name="new")) == USER


def test_known_keys_outlast_an_outage(auth_service: AuthService) -> None:
    """While the auth service fails, an environment uses the keys that it knows."""
    verifier = Verifier(auth_service)
    verifier.user_of(token("RS256"))
    auth_service.status = 503
    verifier.seconds += LIFE_SECONDS + 1

    assert verifier.user_of(token("RS256")) == USER
    asked = auth_service.asked
    assert verifier.user_of(token("RS256")) == USER
    assert auth_service.asked == asked, "an auth service that fails is left alone for a while"


@pytest.mark.parametrize("failure", ["503", "drip", "gone"])
def test_nothing_known(auth_service: AuthService, failure: str) -> None:
    """Without keys no token is accepted, and none is refused as invalid: the call fails, soon.

    API Gateway would cache a response for minutes, but not a failure.
    """
    if failure == "503":
        auth_service.status = 503
    elif failure == "drip":
        auth_service.drips.set()
    else:
        auth_service.server_close()

    with pytest.raises(KeysUnavailable):
        authorize(token("RS256"))


NO_KEY_SETS = {
    "empty": b'{"keys": []}',
    "null": b"null",
    "a list": b"[]",
    "no list": b'{"keys": {"kid": "RS256"}}',
    "nothing usable": b'{"keys": [7, {}, {"kid": "a"}, {"kty": "RSA", "kid": "RS256"}]}',
    "keys of another kind": json.dumps(
        {"keys": [{"kty": "oct", "kid": "RS256", "k": "c2VjcmV0"}]}
    ).encode(),
    "nested": b"[" * 20_000,
    "text": b"<html>maintenance</html>",
    "huge": b'{"keys": [' + b" " * 70_000 + b"]}",
}


@pytest.mark.parametrize("document", NO_KEY_SETS.values(), ids=NO_KEY_SETS)
def test_an_answer_without_keys_is_none(auth_service: AuthService, document: bytes) -> None:
    """Whatever is returned instead of keys, known tokens stay valid, others are not refused."""
    auth_service.other_document = document
    with pytest.raises(KeysUnavailable):
        authorize(token("RS256"))
    auth_service.other_document = None
    verifier = Verifier(auth_service)
    verifier.user_of(token("RS256"))
    auth_service.other_document = document
    verifier.seconds += LIFE_SECONDS + 1

    assert verifier.user_of(token("RS256")) == USER
    with pytest.raises(TokenUndecided):
        verifier.user_of(token("RS256", name="new"))


def test_compressed_keys_are_not_read(auth_service: AuthService) -> None:
    """A compressed response is rejected, because a few bytes may expand to gigabytes."""
    auth_service.encoding = "gzip, gzip"
    auth_service.other_document = gzip.compress(gzip.compress(b" " * 2**26))

    with pytest.raises(KeysUnavailable):
        authorize(token("RS256"))


def test_a_key_that_may_be_new_is_not_refused_for_long(auth_service: AuthService) -> None:
    """Directly after reading the keys, an unknown key may be new: the authorizer does not respond.

    API Gateway caches every response, also a refusal, but not a missing one.
    """
    authorize(token("RS256"))
    auth_service.names["RS256"] = "new"

    assert answer_to(token("RS256", name="new")) is None
    assert auth_service.asked == 1


def test_random_keys_are_no_errors(
    auth_service: AuthService, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tokens with random key ids are counted by their own metric, also while no keys are read.

    An error of the function would raise an alarm and end a roll-out, at anybody's wish.
    """
    authorize(token("RS256"))
    auth_service.status = 503

    answers = [answer_to(token("RS256", name=str(uuid4()))) for _ in range(20)]

    assert answers == [None] * 20
    printed = capsys.readouterr().out
    assert len(emitted(printed, "UndecidedTokens")) == 20
    assert emitted(printed, "DependencyFailure") == []


def test_a_key_for_another_use_is_none_of_ours(auth_service: AuthService) -> None:
    """Keys for encryption, or for another algorithm, verify no tokens."""
    document = json.loads(auth_service.document)
    rsa_key = next(key for key in document["keys"] if key["kid"] == "RS256")
    others = [{**rsa_key, "kid": "enc", "use": "enc"}, {**rsa_key, "kid": "PS", "alg": "PS256"}]
    auth_service.other_document = json.dumps({"keys": [rsa_key, *others]}).encode()

    assert authorize(token("RS256"))["user_id"] == USER
    for name in ("enc", "PS"):
        assert authorize(token("RS256", name=name))["token_problem"] == "token_invalid"


ALGORITHMS = sorted(jwt.algorithms.get_default_algorithms())
SIGNERS = {
    **KEYS,
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "ES256K": ec.generate_private_key(ec.SECP256K1()),
    "Ed448": ed448.Ed448PrivateKey.generate(),
}


@pytest.fixture
def every_kind_of_key(auth_service: AuthService) -> AuthService:
    """An auth service that publishes keys of every kind, with and without an algorithm."""
    keys = []
    for name, key in SIGNERS.items():
        algorithm = {"Ed448": "EdDSA"}.get(name, name)
        member = json.loads(_algorithm(algorithm).to_jwk(key.public_key()))
        keys += [{**member, "kid": name}, {**member, "kid": f"{name}-told", "alg": algorithm}]
    secret = base64url_encode(b"a-secret-of-more-than-thirty-two-bytes").decode()
    keys.append({"kty": "oct", "kid": "oct", "k": secret})
    auth_service.other_document = json.dumps({"keys": keys}).encode()
    return auth_service


@pytest.fixture(params=list(KEYS))
def configured(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, every_kind_of_key: AuthService
) -> str:
    """An algorithm, of which the authorizer has read the keys."""
    monkeypatch.setenv("JWT_ALGORITHM", request.param)
    forget_environment()
    authorize(token(request.param))
    return str(request.param)


@given(
    algorithm=st.sampled_from([*ALGORITHMS, "", "None"]) | st.none() | st.integers(),
    name=st.sampled_from([*SIGNERS, *(f"{name}-told" for name in SIGNERS), "oct", "nobody"])
    | st.text()
    | st.none()
    | st.lists(st.integers(), max_size=1),
    more=st.dictionaries(
        st.sampled_from(["typ", "crit", "b64", "jku", "jwk", "x5c", "zip", "cty"]),
        st.none() | st.booleans() | st.text(max_size=3) | st.lists(st.text(max_size=3), max_size=2),
        max_size=3,
    ),
    signature=st.binary(max_size=600),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_header_makes_the_authorizer_fail(
    every_kind_of_key: AuthService,
    configured: str,
    algorithm: object,
    name: object,
    more: dict[str, object],
    signature: bytes,
) -> None:
    """Whatever a token's header contains, it is refused; nothing that it contains raises.

    A key that the auth service does not publish may be new: that refusal is not a response.
    """
    published = {each["kid"] for each in json.loads(every_kind_of_key.document)["keys"]}
    header = {"alg": algorithm, "kid": name, **more}
    parts = (json.dumps(header).encode(), json.dumps(claims()).encode(), signature)
    forged = b".".join(map(base64url_encode, parts)).decode()

    answer = answer_to(forged)

    may_be_new = algorithm == configured and isinstance(name, str) and name not in published
    if answer is None:
        assert may_be_new
    else:
        assert answer["context"]["token_problem"] == "token_invalid"


def _algorithm(name: str) -> Any:
    return jwt.get_algorithm_by_name(name)
