"""Fetches the credentials of the function's role from Lambda's credentials endpoint.

An environment restored from a snapshot (SnapStart) has no credentials in its variables.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

import http.client

from aws_lambda_powertools.logging import Logger

from streaming.config.aws_answers import AwsRefusal, parsed
from streaming.config.rotating_secrets import SecretUnavailable
from streaming.config.variables import Variables
from streaming.observability.metrics import emit_dependency_failure
from streaming.resilience.deadline import within
from streaming.resilience.stdlib_http import StdlibHttp

logger = Logger(child=True)

_SECONDS = 1.0


def container_credentials(environment: Variables, stdlib_http: StdlibHttp) -> dict[str, str]:
    """Return the credentials and their expiry, named like the environment variables.

    Waits at most one second for the network. Raises ``SecretUnavailable`` if they cannot be read.
    """
    try:
        token = {"authorization": environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]}
        url = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
        with within(_SECONDS):
            given = parsed(*stdlib_http.send("GET", url, token))
        return {
            "AWS_ACCESS_KEY_ID": str(given["AccessKeyId"]),
            "AWS_SECRET_ACCESS_KEY": str(given["SecretAccessKey"]),
            "AWS_SESSION_TOKEN": str(given["Token"]),
            "AWS_CREDENTIAL_EXPIRATION": str(given["Expiration"]),
        }
    except (OSError, http.client.HTTPException, ValueError, KeyError, AwsRefusal) as error:
        failure = emit_dependency_failure("secrets_manager", "credentials", error)
        logger.warning("the function's credentials cannot be read", **failure)
        raise SecretUnavailable("the function's credentials cannot be read") from error
