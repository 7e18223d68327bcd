"""Reads secrets from AWS Secrets Manager without loading boto3, which takes a third of a second.

It signs one API call with the function's own credentials. See docs/decisions/0004-secrets.md.
"""

import hashlib
import hmac
import http.client
import json
import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

from aws_lambda_powertools.logging import Logger

from streaming.config.aws_answers import AwsRefusal, parsed
from streaming.config.container_credentials import container_credentials
from streaming.config.rotating_secrets import SecretUnavailable
from streaming.config.variables import ConfigurationError, Variables
from streaming.observability.metrics import emit_dependency_failure
from streaming.resilience.deadline import within
from streaming.resilience.stdlib_http import StdlibHttp
from streaming.signer.sigv4 import ALGORITHM, SigningKey, derive_key, scope_of

logger = Logger(child=True)

_SECONDS = 1.0
# Loading the CA certificates and the first TLS handshake need CPU time.
_COMPUTING_SECONDS = 1.0
_TARGET = "secretsmanager.GetSecretValue"
_SIGNED_HEADERS = ("content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target")
_ARN = re.compile(r"arn:[a-z-]+:secretsmanager:([a-z0-9-]+):\d{12}:secret:\S+")


class SecretsManager:
    """Reads secrets with the permissions of the function's role.

    ``environment`` has the role's credentials or the address of Lambda's credentials endpoint.
    ``AWS_ENDPOINT_URL_SECRETS_MANAGER`` overrides the address of the service.
    """

    def __init__(self, environment: Variables) -> None:
        self._environment = environment
        self._http = StdlibHttp()

    def read(self, arn: str) -> str:
        """Return the current text of a secret; wait for the network one second at most.

        Raises ``SecretUnavailable`` if it cannot be read, and ``ConfigurationError`` if ``arn`` is
        not the ARN of a secret.
        """
        match = _ARN.fullmatch(arn)
        if match is None:
            raise ConfigurationError(f"not the ARN of a secret: {arn}")
        try:
            with within(_SECONDS, _COMPUTING_SECONDS):
                return self._ask(arn, match[1])
        except (OSError, http.client.HTTPException, ValueError, KeyError, AwsRefusal) as error:
            failure = emit_dependency_failure("secrets_manager", "read", error)
            logger.warning("a secret cannot be read", arn=arn, **failure)
            raise SecretUnavailable("a secret cannot be read") from error

    def _ask(self, arn: str, region: str) -> str:
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        endpoint = self._environment.get("AWS_ENDPOINT_URL_SECRETS_MANAGER") or (
            f"https://secretsmanager.{region}.{suffix}"
        )
        body = json.dumps({"SecretId": arn}).encode()
        host = urlsplit(endpoint).netloc
        headers = signed_headers(host, region, body, self._key(), datetime.now(UTC))
        return str(parsed(*self._http.send("POST", endpoint, headers, body))["SecretString"])

    def _key(self) -> SigningKey:
        environment = self._environment
        if "AWS_ACCESS_KEY_ID" not in environment:
            environment = container_credentials(environment, self._http)
        return SigningKey(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment.get("AWS_SESSION_TOKEN"),
        )


def signed_headers(
    host: str, region: str, body: bytes, key: SigningKey, now: datetime
) -> dict[str, str]:
    """Return the headers of a GetSecretValue request with its signature (SigV4, POST to ``/``)."""
    timestamp = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": host,
        "x-amz-date": timestamp,
        "x-amz-target": _TARGET,
    }
    if key.session_token:
        headers["x-amz-security-token"] = key.session_token
    names = [name for name in _SIGNED_HEADERS if name in headers]
    listed = "".join(f"{name}:{headers[name]}\n" for name in names)
    signed = ";".join(names)
    canonical = f"POST\n/\n\n{listed}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
    scope = scope_of(timestamp[:8], region, "secretsmanager")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    message = f"{ALGORITHM}\n{timestamp}\n{scope}\n{digest}"
    signature = hmac.digest(derive_key(key.secret_key, scope), message.encode(), "sha256").hex()
    headers["authorization"] = (
        f"{ALGORITHM} Credential={key.access_key}/{scope}, "
        f"SignedHeaders={signed}, Signature={signature}"
    )
    return headers
