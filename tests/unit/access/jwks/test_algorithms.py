"""Only tokens that a published key has signed by the configured algorithm are accepted."""

import hmac
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.utils import base64url_encode

from tests.support.functions import forget_environment
from tests.unit.access.jwks.auth_service import KEYS, AuthService, jwk
from tests.unit.access.jwks.tokens import USER, answer_to, authorize, claims, token


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


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_each_algorithm(monkeypatch: pytest.MonkeyPatch, algorithm: str) -> None:
    """A token signed by the configured algorithm identifies its user."""
    monkeypatch.setenv("JWT_ALGORITHM", algorithm)

    assert authorize(token(algorithm))["user_id"] == USER


def test_no_other_algorithm() -> None:
    """Neither another published key, nor a public key misused as a shared secret, is accepted."""
    for bad in (token("ES256"), confused_token(), token("RS256", name="nobody's")):
        assert authorize(bad)["token_problem"] == "token_invalid"


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
        member = jwk(algorithm, key)
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
