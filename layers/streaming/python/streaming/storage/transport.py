"""Sends botocore's requests over connections whose waits are limited by the deadline.

botocore's own time-outs limit single reads, so an answer that arrives byte by byte would never end.
"""

import io
import re
from collections.abc import Iterator
from typing import Any

import httpx
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from streaming.resilience.http_client import HttpClient, RawResponse
from streaming.storage.errors import BucketElsewhere

# Larger than any manifest. A larger body is not read, and the caller sees its Content-Length.
_LARGEST_BODY_BYTES = 32 * 1024 * 1024
# ``Expect`` costs a round trip before the body is sent. The other two describe how the body is
# framed, which httpx determines: botocore's ``Transfer-Encoding`` together with httpx's
# ``Content-Length`` is forbidden (RFC 9112 section 6.2), and proxies reject it.
_LEFT_OUT = ("expect", "transfer-encoding", "content-length")
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_OTHER_REGION = re.compile(
    rb"<Code>(?:AuthorizationHeaderMalformed|PermanentRedirect|IllegalLocationConstraintException)<"
)
_REGION = re.compile(rb"<Region>([a-z0-9-]+)</Region>")
_MOVED_PERMANENTLY = 301
# The response to a HEAD request has status 400 and no error code, but it has the region's header.
_ELSEWHERE = (_MOVED_PERMANENTLY, 307, 400)


class StorageWire:
    """Sends requests in place of botocore, as a handler of its event ``before-send``.

    ``region`` is the configured region of the bucket. botocore would follow a bucket to another
    region; players cannot, because their URLs are signed for ``region``.

    After a failure no connection is reused: after a freeze of the environment all connections may
    be broken, and a retry would take another one of them.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._http = HttpClient()

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Return the response to ``request``. Raises ``httpx.HTTPError``, ``BucketElsewhere``."""
        headers = {name: _text(value) for name, value in request.headers.items()}
        http = self._http
        try:
            answer = http.send(
                request.method,
                request.url,
                {
                    # As in botocore's own transport: the body is returned as it is stored.
                    "Accept-Encoding": "identity",
                    **{
                        key: value for key, value in headers.items() if key.lower() not in _LEFT_OUT
                    },
                },
                _content(request.body),
                _LARGEST_BODY_BYTES,
            )
        except httpx.TransportError:
            # Not closed, because other threads may be reading from it. If several threads fail,
            # only the first replaces it.
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
    """A body that has been read, with the interface that botocore expects."""

    def stream(self) -> Iterator[bytes]:
        """Yield the whole body."""
        yield self.read()


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, bytes | bytearray) else bytes(body.read())


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
