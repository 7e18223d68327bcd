"""Carries botocore's requests over connections whose waits draw from the deadline.

botocore's own bound single reads, so an answer that drips would never end.
"""

import io
from collections.abc import Iterator
from typing import Any

import httpx
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from streaming.bounded_http import BoundedHttp

# More than any manifest has; a larger body is left unread, and its caller sees its length.
_LARGEST_BODY_BYTES = 32 * 1024 * 1024
# Answered by the server before the body is sent, which is not worth a round trip.
_LEFT_OUT = ("expect",)


class StorageWire:
    """Sends a request in botocore's stead, as its event ``before-send`` lets one do.

    After a failure no connection is used again: an environment that was frozen wakes with all of
    them dead, and a second try would take the next of those.
    """

    def __init__(self) -> None:
        self._http = BoundedHttp()

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Return the answer to ``request``. Raises ``httpx.HTTPError``."""
        headers = {name: _text(value) for name, value in request.headers.items()}
        http = self._http
        try:
            answer = http.send(
                request.method,
                request.url,
                {
                    # Of botocore's own connection, too: a body is stored as it is.
                    "Accept-Encoding": "identity",
                    **{
                        key: value for key, value in headers.items() if key.lower() not in _LEFT_OUT
                    },
                },
                _content(request.body),
                _LARGEST_BODY_BYTES,
            )
        except httpx.TransportError:
            # Not closed, because other threads may be reading from it. Who fails later finds it
            # replaced already.
            if self._http is http:
                self._http = BoundedHttp()
            raise
        return AWSResponse(request.url, answer.status, answer.headers, _Body(answer.body))


class _Body(io.BytesIO):
    """A body, read already, in the form in which botocore reads it."""

    def stream(self) -> Iterator[bytes]:
        """Return all of it."""
        yield self.read()


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, bytes | bytearray) else bytes(body.read())


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
