"""A TCP proxy that counts round trips, and that can make each of them longer.

A round trip begins when the client sends something after it has received an answer: what it sends
before the next answer belongs to the same round trip.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Self

from tests.support.tcp_proxy import kafka_address

_HOST = "127.0.0.1"
_PIECE = 64 * 1024


class TripProxy:
    """Listens on ``port``, a free one, and forwards to ``target_port``, both of this host.

    Each round trip takes ``delay_seconds`` longer. ``readdress`` means that the server sends its
    address to clients, as Kafka does: the proxy replaces it in the answers by its own. A context
    manager. It works in threads, because asyncio does not wait for less than a millisecond; so it
    is not a fault of ``TcpProxy``.
    """

    def __init__(
        self, target_port: int, *, delay_seconds: float = 0.0, readdress: bool = False
    ) -> None:
        self.target_port = target_port
        self.port = 0
        self.delay_seconds = delay_seconds
        self._readdresses = readdress
        self._trips = 0
        self._lock = threading.Lock()
        self._links: set[_Link] = set()

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._listener = socket.create_server((_HOST, 0))
        self.port = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the listener and all connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            links = list(self._links)
        for link in links:
            link.close()

    @property
    def trips(self) -> int:
        """The number of round trips that have begun so far."""
        with self._lock:
            return self._trips

    def begin_trip(self) -> None:
        """Count a round trip."""
        with self._lock:
            self._trips += 1

    def forget(self, link: "_Link") -> None:
        """Remove a closed connection."""
        with self._lock:
            self._links.discard(link)

    def readdressed(self, data: bytes) -> bytes:
        """Return an answer of the server with the proxy's address instead of the server's."""
        if not self._readdresses:
            return data
        return data.replace(kafka_address(self.target_port), kafka_address(self.port))

    def _accept(self) -> None:
        # Closing the listener ends this thread.
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection((_HOST, self.target_port))
                except OSError:
                    client.close()
                    continue
                link = _Link(self, client, server)
                with self._lock:
                    self._links.add(link)
                link.start()


class _Link:
    """A client's connection together with ours to the server."""

    def __init__(self, proxy: TripProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._is_answered = True
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        """Forward in both directions until one of them ends."""
        forwarding = (
            partial(self._forward, self._client, self._server, self._request),
            partial(self._forward, self._server, self._client, self._answer),
        )
        for work in forwarding:
            threading.Thread(target=work, daemon=True).start()

    def close(self) -> None:
        """Close both connections."""
        for each in (self._client, self._server):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _forward(
        self, source: socket.socket, sink: socket.socket, through: Callable[[bytes], bytes]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE):
                sink.sendall(through(data))
        self.close()
        source.close()
        self._proxy.forget(self)

    def _request(self, data: bytes) -> bytes:
        if not self._is_answered:
            return data
        self._is_answered = False
        self._proxy.begin_trip()
        if not self._proxy.delay_seconds:
            return data
        time.sleep(self._proxy.delay_seconds)
        # What was sent in the meantime was sent without an answer.
        return data + self._already_sent()

    def _already_sent(self) -> bytes:
        sent = bytearray()
        with contextlib.suppress(BlockingIOError):
            while more := self._client.recv(_PIECE, socket.MSG_DONTWAIT):
                sent += more
        return bytes(sent)

    def _answer(self, data: bytes) -> bytes:
        # Before the client receives it, because the next request may follow at once.
        self._is_answered = True
        return self._proxy.readdressed(data)
