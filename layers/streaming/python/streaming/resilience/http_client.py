"""HTTP requests with a deadline for the whole exchange, a size limit and no redirects.

httpx limits each read, not the whole exchange: an answer that arrives byte by byte would never
end. Therefore the deadline limits every operation of the socket.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

from streaming.resilience.deadline import DeadlineExceeded, allowance, within

_LARGEST_ANSWER_BYTES = 64 * 1024
_LONGEST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A response as it was received: its body is not decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """Sends requests. ``transport`` replaces the network in tests."""

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(transport=transport or _transport(), follow_redirects=False)

    def get(self, url: str, seconds: float, **headers: str) -> httpx.Response:
        """Get a JSON document of at most 64 KiB, within ``seconds`` and the request's deadline.

        Raises ``httpx.HTTPError``, but not for an error status.
        """
        # A few compressed bytes can expand to gigabytes.
        plain = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        with _bounded(seconds), self._stream("GET", url, plain) as response:
            if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise httpx.DecodingError("the answer is compressed, which was not requested")
            body = _read(response.iter_raw(), _LARGEST_ANSWER_BYTES)
        return httpx.Response(response.status_code, content=body, request=response.request)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, largest: int
    ) -> RawResponse:
        """Send a request and return the response, within the deadline.

        A body whose ``Content-Length`` exceeds ``largest`` bytes is not read and returned empty.
        Raises ``httpx.HTTPError``, also if a body without that header is larger.
        """
        with (
            _bounded(float("inf")),
            self._stream(method, url, headers, content=content) as response,
        ):
            is_too_large = int(response.headers.get("content-length", 0)) > largest
            body = b"" if is_too_large else _read(response.iter_raw(), largest)
        return RawResponse(response.status_code, dict(response.headers), body)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _stream(
        self, method: str, url: str, headers: Mapping[str, str], **more: Any
    ) -> AbstractContextManager[httpx.Response]:
        # At each read the socket takes the lesser of this and the deadline's remaining time.
        left = allowance(_LONGEST_SECONDS)
        return self._http.stream(method, url, headers=dict(headers), timeout=left, **more)


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    try:
        with within(seconds):
            yield
    except DeadlineExceeded as error:
        raise httpx.PoolTimeout("the request has no time left") from error


def _read(chunks: Iterable[bytes], largest: int) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > largest:
            raise httpx.ReadError("the answer is too large")
    return bytes(body)


class _Stream(httpcore.NetworkStream):
    """A socket whose every operation is limited by the present deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._stream.read(max_bytes, _least(timeout))
        except DeadlineExceeded as error:
            raise httpcore.ReadTimeout("the answer is too slow") from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _least(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _least(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    """Opens sockets that are limited by the deadline."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = _least(timeout)
        return _Stream(super().connect_tcp(host, port, seconds, local_address, socket_options))


def _least(seconds: float | None) -> float:
    return allowance(float("inf") if seconds is None else seconds)


def _transport() -> httpx.HTTPTransport:
    transport = httpx.HTTPTransport(verify=tls_context())
    # httpx has no argument for the backend; replacing the pool would build a second TLS context.
    transport._pool._network_backend = _Backend()  # noqa: SLF001
    return transport


@cache
def tls_context() -> SSLContext:
    """Return the context that verifies servers. Cached, as loading the CA certificates is slow."""
    return httpx.create_ssl_context()
