"""Single HTTP requests with the standard library, where importing httpx would take longer.

Looking up the name, connecting, the TLS handshake and reading share the current deadline.
"""

import http.client
import socket
import ssl
from collections.abc import Mapping
from functools import cached_property
from urllib.parse import urlsplit, urlunsplit

from streaming.resilience.deadline import allowance
from streaming.resilience.sockets import BoundedTls, bounded

_LONGEST_SECONDS = 30.0
_LARGEST_ANSWER_BYTES = 256 * 1024


class StdlibHttp:
    """Sends each request over a new connection. All connections share one TLS context."""

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Return the status and the first 256 KiB of the body.

        Raises ``OSError``, including ``DeadlineExceeded``, and ``http.client.HTTPException``.
        """
        parts = urlsplit(url)
        context = self._tls if parts.scheme == "https" else None
        port = parts.port or (443 if context else 80)
        connection = _Connection(parts.hostname or "", port, context)
        try:
            target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
            connection.request(method, target, body, dict(headers))
            response = connection.getresponse()
            return response.status, response.read(_LARGEST_ANSWER_BYTES)
        finally:
            connection.close()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # Loading the CA certificates takes longer than many requests.
        context = ssl.create_default_context()
        context.sslsocket_class = BoundedTls
        return context


class _Connection(http.client.HTTPConnection):
    """A connection whose waits are all limited by the deadline."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port)
        self._context = context
        if context:
            # The header Host names the port unless it is the scheme's default.
            self.default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        """Connect to the first address of the host that accepts."""
        connection = _connected(self.host, self.port)
        connection.settimeout(allowance(_LONGEST_SECONDS))
        if self._context:
            self.sock = self._context.wrap_socket(connection, server_hostname=self.host)
        else:
            self.sock = bounded(connection)


def _connected(host: str, port: int) -> socket.socket:
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError | None = None
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        connection = socket.socket(family, kind, protocol)
        try:
            # An unreachable address must leave time for the others.
            connection.settimeout(allowance(_LONGEST_SECONDS) / (len(addresses) - tried))
            connection.connect(address)
            # Headers and body are two packets; Nagle's algorithm would delay the second.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure or OSError(f"{host} has no address")
