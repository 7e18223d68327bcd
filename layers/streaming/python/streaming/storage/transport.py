"""Carries botocore's requests over connections whose waits draw from the deadline.

botocore's own bound single reads, so an answer that drips would never end.
"""

import io
import re
from collections.abc import Iterator
from typing import Any

import httpx
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from streaming.resilience.http_client import HttpClient, RawResponse
from streaming.storage.errors import BucketElsewhere

# More than any manifest has; a larger body is left unread, and its caller sees its length.
_LARGEST_BODY_BYTES = 32 * 1024 * 1024
# ``Expect`` is answered by the server before the body is sent, which is not worth a round trip. How
# a body is framed is up to who sends it: botocore's ``Transfer-Encoding`` beside httpx's
# ``Content-Length`` is what no sender may do (RFC 9112 section 6.2), and is refused by proxies.
_LEFT_OUT = ("expect", "transfer-encoding", "content-length")
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_OTHER_REGION = re.compile(
    rb"<Code>(?:AuthorizationHeaderMalformed|PermanentRedirect|IllegalLocationConstraintException)<"
)
_REGION = re.compile(rb"<Region>([a-z0-9-]+)</Region>")
_MOVED_PERMANENTLY = 301
# The last is what HEAD has: it brings no code, but the header.
_ELSEWHERE = (_MOVED_PERMANENTLY, 307, 400)


class StorageWire:
    """Sends a request in botocore's stead, as its event ``before-send`` lets one do.

    ``region`` is where the bucket should be. botocore follows a bucket into another region by
    itself; players, whose URLs are signed for ``region``, cannot.

    After a failure no connection is used again: an environment that was frozen wakes with all of
    them dead, and a second try would take the next of those.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._http = HttpClient()

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Return the answer to ``request``. Raises ``httpx.HTTPError``, ``BucketElsewhere``."""
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
                self._http = HttpClient()
            raise
        self._check_region(answer)
        return AWSResponse(request.url, answer.status, answer.headers, _Body(answer.body))

    def _check_region(self, answer: RawResponse) -> None:
        if answer.status not in _ELSEWHERE:
            return
        told = answer.headers.get("x-amz-bucket-region")
        is_refused = answer.status == _MOVED_PERMANENTLY or _OTHER_REGION.search(answer.body)
        if told is None and is_refused and (named := _REGION.search(answer.body)):
            told = named[1].decode()
        if told != self._region if told else is_refused:
            raise BucketElsewhere(self._region, told)


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
