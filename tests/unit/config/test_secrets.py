"""Secrets that are read at run time, and rotated while the service runs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import botocore.auth
import jwt
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from streaming.access.tokens import TokenUndecided, TokenVerifier
from streaming.config.aws_answers import AwsRefusal, parsed
from streaming.config.cache import CacheSettings
from streaming.config.events import EventSettings
from streaming.config.rotating_secrets import (
    LIFE_SECONDS,
    RENEWAL_PAUSE_SECONDS,
    Rotating,
    SecretUnavailable,
    with_secret,
)
from streaming.config.secrets_manager import SecretsManager, signed_headers
from streaming.config.tokens import TokenSettings
from streaming.config.variables import ConfigurationError
from streaming.domain.errors import TokenInvalid
from streaming.observability.metrics import kind_of
from streaming.resilience.deadline import within
from streaming.signer.sigv4 import SigningKey
from tests.support.emitted import emitted
from tests.support.moto_server import assume_role, enforced_iam
from tests.support.role_credentials import role_credentials
from tests.support.secret_store import SecretStore, secret_store
from tests.support.waiting import bounded_wait

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


@pytest.mark.parametrize("token", [None, "a/session+token=="])
def test_signature_equals_botocores(token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request's signature equals botocore's byte for byte."""
    now = datetime.now(UTC)
    body = json.dumps({"SecretId": ARN}).encode()
    host = "secretsmanager.eu-central-1.amazonaws.com"
    ours = signed_headers(host, "eu-central-1", body, SigningKey("AKIA", "secret", token), now)
    request = AWSRequest(
        "POST",
        f"https://{host}/",
        {name: ours[name] for name in ("content-type", "x-amz-target")},
        body,
    )
    credentials = Credentials("AKIA", "secret", token)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: now)
    SigV4Auth(credentials, "secretsmanager", "eu-central-1").add_auth(request)

    assert ours["authorization"] == request.headers["Authorization"]


@pytest.fixture
def store() -> Iterator[SecretStore]:
    """A secret store on this machine."""
    with secret_store(OLD) as server:
        yield server


def reader(store: SecretStore, **variables: str) -> SecretsManager:
    """Return the reader of secrets in an environment with these variables."""
    keys = {"AWS_ACCESS_KEY_ID": "ROLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    where = {"AWS_ENDPOINT_URL_SECRETS_MANAGER": store.url}
    return SecretsManager({**where, **(variables or keys)})


def role(*actions: str) -> dict[str, str]:
    """Return credentials of a role that has the permission for every secret."""
    statement = {"Effect": "Allow", "Action": [*actions], "Resource": "*"}
    return assume_role([{"PolicyDocument": {"Statement": [statement]}}])


def codes(error: pytest.ExceptionInfo[SecretUnavailable]) -> list[str]:
    """Return AWS's error codes of the failure."""
    cause = error.value.__cause__
    return [cause.code] if isinstance(cause, AwsRefusal) else []


def test_secret_is_read_with_the_functions_own_credentials(store: SecretStore) -> None:
    """The request has the role's signature, which AWS verifies, and returns the secret's text."""
    allowed = reader(store, **role("secretsmanager:GetSecretValue"))
    with enforced_iam():
        assert allowed.read(store.arn) == OLD


def test_restored_environment_asks_for_its_credentials(store: SecretStore) -> None:
    """After SnapStart the environment has no keys, but the address of an endpoint for them."""
    with (
        role_credentials(role("secretsmanager:GetSecretValue")) as server,
        enforced_iam(),
    ):
        assert reader(store, **server.variables).read(store.arn) == OLD


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"__type": "AccessDeniedException", "Message": "no"}, "AccessDeniedException"),
        (400, {"__type": "ResourceNotFoundException"}, "ResourceNotFoundException"),
        (400, {"__type": "com.amazonaws.x#DecryptionFailure"}, "DecryptionFailure"),
        (403, {"code": "Unauthorized", "message": "no"}, "Unauthorized"),
        (500, {"__type": "InternalServiceError:http://x"}, "InternalServiceError"),
        (503, ["no object"], "HTTP 503"),
        (502, None, "HTTP 502"),
    ],
)
def test_errors_keep_the_code_of_aws(status: int, body: object, code: str) -> None:
    """A missing permission, a missing secret and a gateway's page have different errors."""
    text = json.dumps(body) if body is not None else "<html>"
    with pytest.raises(AwsRefusal) as refused:
        parsed(status, text.encode())

    assert refused.value.code == code
    assert kind_of(refused.value) == "rejected"


def test_missing_secret_is_told(store: SecretStore, capsys: pytest.CaptureFixture[str]) -> None:
    """AWS's code is logged, and the metric says that AWS has responded."""
    with pytest.raises(SecretUnavailable) as missing:
        reader(store).read(f"{store.arn}x")

    assert codes(missing) == ["ResourceNotFoundException"]
    (failure,) = emitted(capsys.readouterr().out, "DependencyFailure")
    assert failure["kind"] == "rejected"


@pytest.mark.parametrize("wrong", ["permission", "signature"])
def test_iam_is_asked(store: SecretStore, wrong: str) -> None:
    """Without the permission, or with another signature, no secret is read."""
    action = "ListSecrets" if wrong == "permission" else "GetSecretValue"
    session = role(f"secretsmanager:{action}")
    if wrong == "signature":
        session["AWS_SECRET_ACCESS_KEY"] = "somebody-elses"
    with enforced_iam(), pytest.raises(SecretUnavailable) as refused:
        reader(store, **session).read(store.arn)

    # moto's IAM responds in XML, unlike the real one.
    assert codes(refused) == ["HTTP 403"]


def test_credentials_that_are_refused(store: SecretStore) -> None:
    """With a wrong token no secret is read, and the error contains the endpoint's status."""
    with role_credentials(role("secretsmanager:GetSecretValue")) as server:
        variables = {**server.variables, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "wrong"}
        with pytest.raises(SecretUnavailable) as refused:
            reader(store, **variables).read(store.arn)

    assert codes(refused) == ["Unauthorized"]
    assert store.reads == 0


def test_dead_store_is_unavailable(store: SecretStore) -> None:
    """Whatever the store's failure, callers get the one error that they expect."""
    store.proxy.refuse()
    with pytest.raises(SecretUnavailable):
        reader(store).read(store.arn)
    store.proxy.cut()
    with pytest.raises(SecretUnavailable):
        reader(store).read(store.arn)
    with pytest.raises(ConfigurationError):
        reader(store).read("jwt-secret")


def test_store_that_drips(store: SecretStore, capsys: pytest.CaptureFixture[str]) -> None:
    """A response that arrives byte by byte, each in time, ends with one time-out for all of it."""
    store.proxy.drip(0.05)
    with bounded_wait(), pytest.raises(SecretUnavailable):
        reader(store).read(store.arn)

    (failure,) = emitted(capsys.readouterr().out, "DependencyFailure")
    assert failure["kind"] == "timeout"


def test_deadline_bounds_reading_a_secret(store: SecretStore) -> None:
    """A request without remaining time does not wait for a secret."""
    with within(0), pytest.raises(SecretUnavailable):
        reader(store).read(store.arn)
    assert store.reads == 0


def test_redis_and_kafka_settings() -> None:
    """TLS, users and mechanisms reach the typed settings; an incomplete login is rejected."""
    redis = CacheSettings.from_environment({"REDIS_TLS": "true", "REDIS_PASSWORD": "p"})
    assert (redis.is_tls, redis.username, redis.password) == (True, None, "p")
    scram = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_USERNAME": "u",
        "KAFKA_PASSWORD": "p",
    }
    assert EventSettings.from_environment(scram).username == "u"
    iam = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "AWS_MSK_IAM"}
    assert EventSettings.from_environment(iam).username is None
    for wrong in (
        {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"},
        {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"},
        {"KAFKA_SASL_MECHANISM": "AWS_MSK_IAM"},
        {**scram, "KAFKA_PASSWORD": ""},
    ):
        with pytest.raises(ConfigurationError):
            EventSettings.from_environment(wrong)
