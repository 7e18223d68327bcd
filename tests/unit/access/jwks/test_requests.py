"""Keys are requested rarely, from a verified server, and outlast failures of the auth service."""

import gzip
import json
from pathlib import Path
from uuid import uuid4

import pytest

from streaming.access.jwks import LIFE_SECONDS, REFRESH_PAUSE_SECONDS, KeySet
from streaming.access.tokens import KeysUnavailable, TokenUndecided, TokenVerifier
from streaming.config.tokens import TokenSettings
from streaming.domain import clock
from tests.support.emitted import emitted
from tests.support.functions import forget_environment
from tests.support.tls import Authority, TlsFront
from tests.unit.access.jwks.auth_service import AuthService
from tests.unit.access.jwks.tokens import USER, answer_to, authorize, token


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
