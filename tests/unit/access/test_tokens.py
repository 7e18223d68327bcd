"""Verifying tokens."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.access.identity import Identity
from streaming.access.tokens import TokenVerifier
from streaming.config.tokens import TokenSettings
from streaming.config.variables import ConfigurationError
from streaming.domain.errors import TokenExpired, TokenInvalid, TokenMissing, Unauthorized

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "a-secret-of-more-than-thirty-two-bytes"
OTHER = "another-secret-of-more-than-thirty-two"
USER = UUID("6f1c2a34-9b7e-4c1d-8a55-2d3e4f5a6b7c")


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a valid token, with changes; None removes a claim."""
    good = {"sub": str(USER), "exp": int((NOW + timedelta(hours=1)).timestamp())}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def verifier(**environment: str) -> TokenVerifier:
    """Return a verifier configured by environment variables."""
    return TokenVerifier(TokenSettings.from_environment({"JWT_SECRET_KEY": SECRET, **environment}))


def bearer(payload: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256") -> str:
    """Return an Authorization header's value."""
    return "Bearer " + jwt.encode(payload, secret, algorithm=algorithm)


def test_identity() -> None:
    """A valid token contains the user, the expiry and the role."""
    identity = verifier().verify(bearer(claims(role="admin")), NOW)

    assert identity.user_id == USER
    assert identity.expires_at == claims()["exp"]
    assert identity.role == "admin"


@pytest.mark.parametrize("role", ["Admin", "viewer", ["admin"], {"admin": 1}, 1])
def test_no_other_role(role: object) -> None:
    """Only the exact claim admin makes an admin."""
    assert verifier().verify(bearer(claims(role=role)), NOW).role == ""


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "token"])
def test_missing(header: str | None) -> None:
    """A header without a bearer token is token_missing."""
    with pytest.raises(TokenMissing):
        verifier().verify(header, NOW)


@pytest.mark.parametrize(
    "payload",
    [
        claims(exp=None),
        claims(sub=None),
        claims(sub="alice"),
        claims(sub="{6f1c2a34-9b7e-4c1d-8a55-2d3e4f5a6b7c}"),
        claims(sub=f"{USER}\x00"),
        claims(exp="tomorrow"),
        claims(exp="4102444800"),
        claims(exp=True),
        claims(exp=float("inf")),
        claims(exp=1e300),
        claims(exp=-1),
        claims(nbf=32503680000),
        claims(nbf="today"),
        claims(nbf=True),
        claims(nbf=float("nan")),
        claims(nbf=-1),
    ],
)
def test_invalid_claims(payload: dict[str, Any]) -> None:
    """A token without a claim, or with one of the wrong type, is token_invalid."""
    with pytest.raises(TokenInvalid):
        verifier().verify(bearer(payload), NOW)


def test_expired() -> None:
    """A token is expired from the second that exp names."""
    expires = NOW + timedelta(hours=1)

    assert verifier().verify(bearer(claims()), expires - timedelta(seconds=1))
    with pytest.raises(TokenExpired):
        verifier().verify(bearer(claims()), expires)


@given(seconds=st.integers(-86_400, 86_400))
def test_no_refusal_outlasts_its_reason(seconds: int) -> None:
    """A token valid within an hour is accepted, because API Gateway may cache a refusal that long.

    The result contains the time from which the token is valid, which the guard of each call
    checks.
    """
    begins_at = int(NOW.timestamp()) + seconds
    header = bearer(claims(nbf=begins_at, iat=begins_at, exp=begins_at + 172_800))

    if seconds > 3600:
        with pytest.raises(TokenInvalid):
            verifier().verify(header, NOW)
    else:
        assert verifier().verify(header, NOW).to_context()["nbf"] == begins_at


def test_expiry_is_told_to_the_owner_only() -> None:
    """An expired token that we did not sign is invalid, not expired."""
    with pytest.raises(TokenInvalid):
        verifier().verify(bearer(claims(exp=1), OTHER), NOW)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_other_algorithm(algorithm: str) -> None:
    """A token signed by an algorithm that does not match the key is refused."""
    secret = SECRET * 2
    checks = verifier(JWT_SECRET_KEY=secret)
    assert checks.verify(bearer(claims(), secret), NOW)
    with pytest.raises(TokenInvalid):
        checks.verify(bearer(claims(), secret, algorithm), NOW)


def test_alg_none() -> None:
    """An unsigned token is refused, however its header spells none."""
    for spelling in ("none", "None", "NONE", ""):
        header = base64.urlsafe_b64encode(json.dumps({"alg": spelling}).encode()).rstrip(b"=")
        body = base64.urlsafe_b64encode(json.dumps(claims()).encode()).rstrip(b"=")
        with pytest.raises(TokenInvalid):
            verifier().verify(f"Bearer {header.decode()}.{body.decode()}.", NOW)


def test_rotation() -> None:
    """During a rotation tokens of both secrets are valid; afterwards the old ones are not."""
    during = verifier(JWT_SECRET_KEY=f"{OTHER}, {SECRET}")

    assert during.verify(bearer(claims(), SECRET), NOW)
    assert during.verify(bearer(claims(), OTHER), NOW)
    with pytest.raises(TokenInvalid):
        verifier(JWT_SECRET_KEY=OTHER).verify(bearer(claims(), SECRET), NOW)


def test_issuer_and_audience() -> None:
    """iss and aud are checked if configured, and otherwise ignored."""
    strict = verifier(JWT_ISSUER="https://auth.example", JWT_AUDIENCE="streaming")
    good = claims(iss="https://auth.example", aud=["streaming", "billing"])

    assert strict.verify(bearer(good), NOW)
    assert verifier().verify(bearer(good), NOW)
    for bad in (
        {**good, "iss": "https://evil.example"},
        {**good, "aud": "billing"},
        claims(aud="streaming"),
        claims(iss="https://auth.example"),
    ):
        with pytest.raises(TokenInvalid):
            strict.verify(bearer(bad), NOW)


@given(st.text())
def test_garbage(text: str) -> None:
    """For any header value the result is one of the three refusals."""
    with pytest.raises(Unauthorized):
        verifier().verify(text, NOW)


@given(st.binary(), st.binary())
def test_garbled_parts(header: bytes, payload: bytes) -> None:
    """A token of arbitrary parts is refused, and never causes a crash."""
    parts = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, payload))
    with pytest.raises(Unauthorized):
        verifier().verify(f"Bearer {'.'.join(parts)}.c2ln", NOW)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=4)
    | st.sampled_from([10**400, 2**53, -1, str(USER), "admin", SECRET]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
NO_CLAIMS = [
    b"", b"[]", b"1", b"null", b"NaN", b"\xff", b'{"exp":1e999}', b"[" * 5000, b'{"a":' * 1000,
    b'{"exp":' + b"1" * 5000 + b"}", b"\xef\xbb\xbf{}",
]  # fmt: skip


@pytest.mark.parametrize("settings", [{}, {"JWT_ISSUER": "us", "JWT_AUDIENCE": "players"}])
@given(
    header=st.dictionaries(st.sampled_from(["kid", "typ", "crit", "b64", "zip"]), JSON, max_size=2),
    payload=st.dictionaries(
        st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "role"]), JSON, max_size=4
    ).map(lambda changes: json.dumps({**claims(), **changes}).encode())
    | st.sampled_from(NO_CLAIMS),
)
def test_whatever_is_signed(settings: dict[str, str], header: Any, payload: bytes) -> None:
    """Unusual claims signed by an auth service are accepted or refused, and never cause a crash."""
    parts = (json.dumps({**header, "alg": "HS256"}).encode(), payload)
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.digest(SECRET.encode(), signed, "sha256")
    token = b".".join([signed, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()

    try:
        identity = verifier(**settings).verify(f"Bearer {token}", NOW)
    except Unauthorized:
        return
    assert Identity.from_context(json.loads(json.dumps(identity.to_context()))) == identity


def test_deeply_nested_payload() -> None:
    """A token with an endlessly nested payload is refused."""
    payload = base64.urlsafe_b64encode(b'{"a":' + b"[" * 5000).rstrip(b"=").decode()
    header = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=").decode()
    with pytest.raises(TokenInvalid):
        verifier().verify(f"Bearer {header}.{payload}.c2ln", NOW)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"JWT_SECRET_KEY": "your-secret-key-change-in-production"},
        {"JWT_SECRET_KEY": f"{SECRET},events-are-signed-with-this-and-nothing-else"},
        {"JWT_SECRET_KEY": "x" * 31},
        {"JWT_SECRET_KEY": f"{SECRET},short"},
        {"JWT_SECRET_KEY": SECRET, "JWT_ALGORITHM": "none"},
        {"JWT_SECRET_KEY": SECRET, "JWT_ALGORITHM": "RS256"},
    ],
)
def test_refused_configuration(environment: dict[str, str]) -> None:
    """Outside local runs a weak, published or missing key prevents the function's start."""
    with pytest.raises(ConfigurationError):
        TokenSettings.from_environment({"ENVIRONMENT": "prod", **environment})


def test_weak_secret_is_fine_locally() -> None:
    """In local runs the example secret works."""
    environment = {"ENVIRONMENT": "local", "JWT_SECRET_KEY": "your-secret-key-change-in-production"}

    assert TokenSettings.from_environment(environment).secrets


def test_settings_hide_secrets() -> None:
    """Printing the settings shows no secret."""
    secret = str(uuid4()) + str(uuid4())

    assert secret not in repr(TokenSettings.from_environment({"JWT_SECRET_KEY": secret}))
