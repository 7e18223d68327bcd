"""Requests to the local S3 and the local user service."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.stack import Stack


def request(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes, Message]:
    """Send a request; return the status, the body and the headers of its answer."""
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


def signed_url(stack: Stack, client: Any, key: str) -> str:
    """Return a presigned URL of an object, by the client's key."""
    parameters = {"Bucket": stack.s3.bucket, "Key": key}
    url: str = client.generate_presigned_url("get_object", Params=parameters)
    return url


def refusal(attempt: Callable[[], Any]) -> str:
    """Return the error code with which S3 refuses a request."""
    with pytest.raises(ClientError) as caught:
        attempt()
    return str(caught.value.response["Error"]["Code"])


def subscription_of(stack: Stack, token: str) -> tuple[int, Any]:
    """Return the status and the body of the user service's answer to a token."""
    url = f"{stack.user_service.url}/api/v1/subscriptions/current"
    status, body, _ = request(url, headers={"Authorization": f"Bearer {token}"})
    return status, json.loads(body)
