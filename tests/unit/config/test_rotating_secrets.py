"""Secrets that are read at run time, and rotated while the service runs."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest

from streaming.access.tokens import TokenUndecided, TokenVerifier
from streaming.config.rotating_secrets import (
    LIFE_SECONDS,
    RENEWAL_PAUSE_SECONDS,
    Rotating,
    SecretUnavailable,
    with_secret,
)
from streaming.config.tokens import TokenSettings
from streaming.config.variables import ConfigurationError
from streaming.domain.errors import TokenInvalid

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:streaming/jwt-AbCdEf"
OLD = "an-old-secret-of-more-than-thirty-two-bytes"
NEW = "a-new-secret-of-more-than-thirty-two-bytes"


class FakeStore:
    """A secret store with one secret and a clock that the test sets."""

    def __init__(self, text: str) -> None:
        self.text: str | None = text
        self.reads = 0
        self.seconds = 1000.0

    def read(self, arn: str) -> str:
        """Return the secret, or fail as the store does without one."""
        self.reads += 1
        if self.text is None:
            raise SecretUnavailable(arn)
        return self.text

    def tokens(self) -> Rotating[TokenSettings]:
        """Return token settings that read from this store."""
        environment = {"JWT_SECRET_ARN": ARN}
        return Rotating(
            TokenSettings.from_environment,
            environment,
            "JWT_SECRET_ARN",
            self.read,
            lambda: self.seconds,
        )


def bearer(secret: str) -> str:
    """Return an Authorization header signed with ``secret``."""
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    return "Bearer " + jwt.encode({"sub": str(uuid4()), "exp": expires_at}, secret, "HS256")


def test_secret_is_read_once_in_its_life() -> None:
    """A hundred requests read the secret once, and those after its lifetime once more."""
    fake = FakeStore(OLD)
    source = fake.tokens()
    for _ in range(100):
        assert source.current().secrets == (OLD,)

    fake.text, fake.seconds = NEW, fake.seconds + LIFE_SECONDS + 1

    assert source.current().secrets == (NEW,)
    assert fake.reads == 2


def test_known_secret_outlives_an_outage_of_the_store() -> None:
    """While the store is unavailable, the known value is used, and not every call reads."""
    fake = FakeStore(OLD)
    source = fake.tokens()
    source.current()
    fake.text, fake.seconds = None, fake.seconds + LIFE_SECONDS + 1

    assert source.current().secrets == (OLD,)
    assert source.current().secrets == (OLD,)
    assert fake.reads == 2


def test_unknown_secret_is_told() -> None:
    """Without a known value the call fails."""
    fake = FakeStore(OLD)
    fake.text = None
    with pytest.raises(SecretUnavailable):
        fake.tokens().current()


def test_new_tokens_are_accepted_right_after_a_rotation() -> None:
    """For a token signed with the new secret it is read before the old one's lifetime ends."""
    fake = FakeStore(OLD)
    source = fake.tokens()
    verifier = TokenVerifier(source.current(), source)
    verifier.verify(bearer(OLD), datetime.now(UTC))

    fake.text, fake.seconds = f"{NEW},{OLD}", fake.seconds + RENEWAL_PAUSE_SECONDS + 1

    verifier.verify(bearer(NEW), datetime.now(UTC))
    verifier.verify(bearer(OLD), datetime.now(UTC))
    fake.text, fake.seconds = NEW, fake.seconds + LIFE_SECONDS + 1
    with pytest.raises(TokenInvalid):
        verifier.verify(bearer(OLD), datetime.now(UTC))


def test_foreign_tokens_cannot_hammer_the_store() -> None:
    """Any number of foreign tokens causes at most one read of the secret per pause."""
    fake = FakeStore(OLD)
    source = fake.tokens()
    verifier = TokenVerifier(source.current(), source)
    fake.seconds += RENEWAL_PAUSE_SECONDS + 1

    with pytest.raises(TokenInvalid):
        verifier.verify(bearer(NEW), datetime.now(UTC))
    for _ in range(20):
        # The call fails, which API Gateway does not cache: the secret may have changed since.
        with pytest.raises(TokenUndecided):
            verifier.verify(bearer(NEW), datetime.now(UTC))

    assert fake.reads == 2


def test_a_token_is_not_refused_for_long_while_the_store_is_away() -> None:
    """While a change of the secret cannot be excluded, the call fails without a cached response."""
    fake = FakeStore(OLD)
    source = fake.tokens()
    verifier = TokenVerifier(source.current(), source)
    fake.text, fake.seconds = None, fake.seconds + RENEWAL_PAUSE_SECONDS + 1

    for _ in range(2):
        with pytest.raises(TokenUndecided):
            verifier.verify(bearer(NEW), datetime.now(UTC))
    verifier.verify(bearer(OLD), datetime.now(UTC))


def test_weak_secrets_are_refused_from_the_store_too() -> None:
    """A short secret is also rejected if it is in Secrets Manager."""
    with pytest.raises(ConfigurationError):
        FakeStore("short").tokens().current()


@pytest.mark.parametrize(
    ("variable", "secret", "expected"),
    [
        ("REDIS_SECRET_ARN", {"password": "p"}, {"REDIS_PASSWORD": "p"}),
        (
            "KAFKA_SECRET_ARN",
            {"username": "u", "password": "p"},
            {"KAFKA_USERNAME": "u", "KAFKA_PASSWORD": "p"},
        ),
        (
            "S3_SIGNING_SECRET_ARN",
            {"access_key": "a", "secret_key": "s"},
            {"S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "s"},
        ),
        (
            "DATABASE_SECRET_ARN",
            {"username": "us er", "password": "p@/:%", "engine": "postgres"},
            {"DATABASE_URL": "postgresql://us%20er:p%40%2F%3A%25@db:5432/streaming?sslmode=x"},
        ),
    ],
)
def test_forms_of_secrets(variable: str, secret: dict[str, str], expected: dict[str, str]) -> None:
    """Each secret sets the variables that local runs set directly."""
    environment = {"DATABASE_URL": "postgresql://db:5432/streaming?sslmode=x"}

    filled = with_secret(environment, variable, json.dumps(secret))

    assert filled == {**environment, **expected}


def test_secret_of_another_form_is_refused() -> None:
    """A value that is not a JSON object is reported with its variable, without its text."""
    with pytest.raises(ConfigurationError, match="KAFKA_SECRET_ARN") as caught:
        with_secret({}, "KAFKA_SECRET_ARN", "hunter2")

    assert "hunter2" not in str(caught.value)
