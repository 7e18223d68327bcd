"""Reads secrets from AWS Secrets Manager without loading boto3, which takes a third of a second.

One call of one API, signed with the function's own credentials (AWS Signature Version 4). See
docs/decisions/0004-secrets.md.
"""

import hashlib
import hmac
import http.client
import json
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from aws_lambda_powertools.logging import Logger

from streaming.config.rotating_secrets import SecretUnavailable
from streaming.config.variables import ConfigurationError
from streaming.observability.metrics import emit_dependency_failure
from streaming.resilience.deadline import DeadlineExceeded, allowance

logger = Logger(child=True)

_SECONDS = 1.0
_LARGEST_ANSWER_BYTES = 256 * 1024
_TARGET = "secretsmanager.GetSecretValue"
_SIGNED_HEADERS = ("content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target")
_ARN = re.compile(r"arn:[a-z-]+:secretsmanager:([a-z0-9-]+):\d{12}:secret:\S+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(repr=False, default=None)


def read_secret(arn: str) -> str:
    """Return the current text of the secret.

    Raises ``SecretUnavailable`` when it cannot be had, ``ConfigurationError`` for what is no ARN.
    """
    match = _ARN.fullmatch(arn)
    if match is None:
        raise ConfigurationError(f"not the ARN of a secret: {arn}")
    region = match[1]
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    endpoint = os.environ.get("AWS_ENDPOINT_URL_SECRETS_MANAGER") or (
        f"https://secretsmanager.{region}.{suffix}"
    )
    body = json.dumps({"SecretId": arn}).encode()
    try:
        credentials = _credentials(os.environ)
        headers = signed_headers(
            urlsplit(endpoint).netloc, region, body, credentials, datetime.now(UTC)
        )
        answer = _exchange("POST", endpoint, body, headers)
        return str(answer["SecretString"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, DeadlineExceeded) as error:
        failure = emit_dependency_failure("secrets_manager", "read", error)
        logger.warning("a secret cannot be read", **failure)
        raise SecretUnavailable("a secret cannot be read") from error


def signed_headers(
    host: str, region: str, body: bytes, credentials: Credentials, now: datetime
) -> dict[str, str]:
    """Return the headers of a GetSecretValue request with its signature (SigV4, POST to ``/``)."""
    timestamp = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": host,
        "x-amz-date": timestamp,
        "x-amz-target": _TARGET,
    }
    if credentials.session_token:
        headers["x-amz-security-token"] = credentials.session_token
    names = [name for name in _SIGNED_HEADERS if name in headers]
    listed = "".join(f"{name}:{headers[name]}\n" for name in names)
    signed = ";".join(names)
    canonical = f"POST\n/\n\n{listed}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{timestamp[:8]}/{region}/secretsmanager/aws4_request"
    message = (
        f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    )
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, message.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={signed}, Signature={signature}"
    )
    return headers


def container_credentials() -> dict[str, str]:
    """Return the function's own credentials, and when they expire, as variables would name them.

    Raises ``SecretUnavailable`` when they cannot be had.
    """
    # https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
    try:
        given = _container_credentials(os.environ)
        return {
            "AWS_ACCESS_KEY_ID": str(given["AccessKeyId"]),
            "AWS_SECRET_ACCESS_KEY": str(given["SecretAccessKey"]),
            "AWS_SESSION_TOKEN": str(given["Token"]),
            "AWS_CREDENTIAL_EXPIRATION": str(given["Expiration"]),
        }
    except (OSError, http.client.HTTPException, ValueError, KeyError, DeadlineExceeded) as error:
        failure = emit_dependency_failure("secrets_manager", "credentials", error)
        logger.warning("the function's credentials cannot be read", **failure)
        raise SecretUnavailable("the function's credentials cannot be read") from error


def _credentials(environment: Mapping[str, str]) -> Credentials:
    """Return the function's own; an environment restored by SnapStart has to ask for them."""
    if "AWS_ACCESS_KEY_ID" in environment:
        return Credentials(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment.get("AWS_SESSION_TOKEN"),
        )
    given = _container_credentials(environment)
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["Token"])


def _container_credentials(environment: Mapping[str, str]) -> dict[str, Any]:
    token = {"authorization": environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]}
    return _exchange("GET", environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"], None, token)


def _exchange(method: str, url: str, body: bytes | None, headers: dict[str, str]) -> dict[str, Any]:
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            parts.netloc, timeout=allowance(_SECONDS), context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=allowance(_SECONDS))
    try:
        connection.request(method, parts.path or "/", body, headers)
        response = connection.getresponse()
        text = response.read(_LARGEST_ANSWER_BYTES)
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise ValueError(f"{parts.netloc} answered {response.status}")
    answer = json.loads(text)
    if not isinstance(answer, dict):
        raise ValueError("the answer is not an object")  # noqa: TRY004 - the text is wrong
    return answer
