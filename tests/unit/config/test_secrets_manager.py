"""The requests to AWS Secrets Manager: signed, bounded, and with AWS's error codes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from streaming.config.aws_answers import AwsRefusal, parsed
from streaming.config.rotating_secrets import SecretUnavailable
from streaming.config.secrets_manager import SecretsManager, signed_headers
from streaming.config.variables import ConfigurationError
from streaming.observability.metrics import kind_of
from streaming.resilience.deadline import within
from streaming.signer.sigv4 import SigningKey
from tests.support.emitted import emitted
from tests.support.moto_server import assume_role, enforced_iam
from tests.support.role_credentials import role_credentials
from tests.support.secret_store import SecretStore, secret_store
from tests.support.waiting import bounded_wait

SECRET = "a-secret-of-more-than-thirty-two-bytes"


@pytest.mark.parametrize("token", [None, "a/session+token=="])
def test_signature_equals_botocores(token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request's signature equals botocore's byte for byte."""
    now = datetime.now(UTC)
    body = json.dumps({"SecretId": "arn"}).encode()
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
    with secret_store(SECRET) as server:
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
        assert allowed.read(store.arn) == SECRET


def test_restored_environment_asks_for_its_credentials(store: SecretStore) -> None:
    """After SnapStart the environment has no keys, but the address of an endpoint for them."""
    with (
        role_credentials(role("secretsmanager:GetSecretValue")) as server,
        enforced_iam(),
    ):
        assert reader(store, **server.variables).read(store.arn) == SECRET


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
