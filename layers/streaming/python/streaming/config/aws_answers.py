"""Responses of AWS's JSON APIs: an object, or an error with a code."""

import json
from http import HTTPStatus
from typing import Any


class AwsRefusal(Exception):
    """AWS answered with an error; ``code`` is for example ``AccessDeniedException``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code


def parsed(status: int, body: bytes) -> dict[str, Any]:
    """Return the JSON object of a response.

    Raises ``AwsRefusal`` if the response is an error, and ``ValueError`` if it is not an object.
    """
    if status == HTTPStatus.OK:
        answer = json.loads(body)
        if not isinstance(answer, dict):
            raise ValueError("the answer is not an object")
        return answer
    raise _refusal(status, body)


def _refusal(status: int, body: bytes) -> AwsRefusal:
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        return AwsRefusal(f"HTTP {status}", "")
    # https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization
    code = str(told.get("__type") or told.get("code") or f"HTTP {status}")
    message = told.get("message") or told.get("Message") or ""
    return AwsRefusal(code.rpartition("#")[2].partition(":")[0], str(message))
