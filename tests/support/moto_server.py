"""AWS on this machine: moto's server in a thread, until the process ends."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import uuid4

import boto3

from tests.support import plain_http
from tests.support.templates import REGION, Json


@cache
def port() -> int:
    """Return the server's port; start the server if it does not run."""
    # Not at the import of this module, because it loads a framework for web servers.
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    return server.get_host_and_port()[1]


def url() -> str:
    """Return the server's URL."""
    return f"http://127.0.0.1:{port()}"


@cache
def client(service: str) -> Any:
    """Return a client with all permissions while IAM is not enforced."""
    session = boto3.Session("testing", "testing", region_name=REGION)
    return session.client(service, endpoint_url=url())


@contextmanager
def enforced_iam() -> Iterator[None]:
    """Verify signatures and policies in the context (https://docs.getmoto.org/en/latest/docs/iam.html).

    moto enforces the ``Resource`` of a statement for S3; for other services it must be ``*``.
    """
    before = _limit_calls_without_iam("0")
    try:
        yield
    finally:
        _limit_calls_without_iam(before)


def assume_role(policies: Sequence[Json] = (), seconds: int = 3600) -> dict[str, str]:
    """Create a role with inline policies; return a session's credentials, named as variables."""
    name = f"role-{uuid4()}"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda"}, "Action": "sts:AssumeRole"}
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=_document([trust]))[
        "Role"
    ]
    for number, policy in enumerate(policies):
        client("iam").put_role_policy(
            RoleName=name,
            PolicyName=f"policy-{number}",
            PolicyDocument=_document(policy["PolicyDocument"]["Statement"]),
        )
    session = client("sts").assume_role(
        RoleArn=role["Arn"], RoleSessionName="function", DurationSeconds=seconds
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
        "AWS_CREDENTIAL_EXPIRATION": session["Expiration"].isoformat(),
    }


def _document(statements: Sequence[Json]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _limit_calls_without_iam(count: str) -> str:
    answer = plain_http.post(f"{url()}/moto-api/reset-auth", content=count)
    return str(answer.json()["PREVIOUS_INITIAL_NO_AUTH_ACTION_COUNT"])
