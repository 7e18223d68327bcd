"""Converts a function's result to an HTTP response, by the rules of payload format 2.0."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# The server sets the headers of the connection.
_NOT_FORWARDED = {"connection", "content-length", "keep-alive", "transfer-encoding"}


class InvalidResultError(Exception):
    """A function's result is not a response of format 2.0; API Gateway answers 500."""


@dataclass
class Response:
    """One HTTP response; header names are lower-case."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


def message(status: int, text: str) -> Response:
    """Return a response of the gateway itself."""
    body = json.dumps({"message": text}, separators=(",", ":")).encode()
    headers = [("content-type", "application/json"), ("x-content-type-options", "nosniff")]
    return Response(status, headers, body)


def from_result(payload: bytes) -> Response:
    """Return the response for a function's JSON result.

    A result without ``statusCode`` is the body of a 200; any other result must have the documented
    structure.

    Raises:
        InvalidResultError: It has ``statusCode``, but not the documented structure.
    """
    result = json.loads(payload)
    if not isinstance(result, dict) or "statusCode" not in result:
        body = result.encode("utf-8", "replace") if isinstance(result, str) else payload
        return Response(200, [("content-type", "application/json")], body)
    headers = _headers(result.get("headers"))
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    headers += [("set-cookie", _line("cookie", value)) for value in _list(result.get("cookies"))]
    status = _status(result["statusCode"])
    return Response(status, headers, _body(result.get("body"), result.get("isBase64Encoded")))


def _status(value: Any) -> int:
    """Return the status, given as a number or a string of digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 200 <= value <= 599:
        raise InvalidResultError(f"statusCode {value!r} is not a final HTTP status")
    return value


def _headers(given: Any) -> list[tuple[str, str]]:
    """Return the function's headers, with lower-case names."""
    if given is None:
        return []
    if not isinstance(given, dict):
        raise InvalidResultError("headers is not an object")
    headers = []
    for name, value in given.items():
        if not _HEADER_NAME.fullmatch(name):
            raise InvalidResultError(f"{name!r} is not a header name")
        if name.lower() not in _NOT_FORWARDED:
            headers.append((name.lower(), _line(name, value)))
    return headers


def _line(name: str, value: Any) -> str:
    """Return a header's value as one line of text."""
    text = json.dumps(value) if isinstance(value, bool | int | float) else value
    if not isinstance(text, str) or any(ord(char) < 32 and char != "\t" for char in text):
        raise InvalidResultError(f"the value of {name} is not one line of text")
    return text


def _list(given: Any) -> list[Any]:
    """Return the list of cookies, empty if it is absent."""
    if given is None:
        return []
    if not isinstance(given, list):
        raise InvalidResultError("cookies is not a list")
    return given


def _body(given: Any, encoded: Any) -> bytes:
    """Return the body's bytes."""
    if given is None:
        return b""
    if not isinstance(given, str):
        raise InvalidResultError(f"body is not a string but {type(given).__name__}")
    if encoded is not True:
        return given.encode("utf-8", "replace")
    try:
        return base64.b64decode(given, validate=True)
    except binascii.Error:
        raise InvalidResultError("body is not base64") from None
