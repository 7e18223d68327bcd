"""The MSK login by IAM, compared with botocore, since no server outside AWS can check it."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from kafka.net.sasl import get_sasl_mechanism

HOST = "b-1.streaming.abcdef.c2.kafka.eu-central-1.amazonaws.com"


@pytest.mark.parametrize("token", [None, "a/session+token=="])
def test_login_equals_botocores(token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """kafka-python sends the request that MSK requires, with botocore's signature.

    The form: https://github.com/aws/aws-msk-iam-auth#details
    """
    role = {"AWS_ACCESS_KEY_ID": "AKIAROLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    for name, value in {**role, "AWS_DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(name, value)
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    mechanism = get_sasl_mechanism("AWS_MSK_IAM")(host=HOST, security_protocol="SASL_SSL")

    sent = json.loads(mechanism.auth_bytes())

    at = datetime.strptime(sent["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: at)
    request = AWSRequest("GET", f"https://{HOST}/?Action=kafka-cluster%3AConnect")
    credentials = Credentials("AKIAROLE", "secret", token)
    SigV4QueryAuth(credentials, "kafka-cluster", "eu-central-1", expires=900).add_auth(request)
    signed = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
    assert sent.pop("version") == "2020_10_22"
    assert sent.pop("host") == HOST
    assert sent.pop("user-agent") == "kafka-python"
    assert sent == {name.lower(): value for name, value in signed.items()}


def test_region_and_credentials_are_the_functions_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda's variables are sufficient, without any configuration file."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAROLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    mechanism = get_sasl_mechanism("AWS_MSK_IAM")(host=HOST, security_protocol="SASL_SSL")

    scope = json.loads(mechanism.auth_bytes())["x-amz-credential"].split("/")

    assert (scope[0], *scope[2:]) == ("AKIAROLE", "eu-central-1", "kafka-cluster", "aws4_request")
