"""The connections that a TCP proxy forwards, with the faults that it injects into them."""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING

from tests.support.tcp_fault import Fault

if TYPE_CHECKING:
    from tests.support.tcp_proxy import TcpProxy

_HOST = "127.0.0.1"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class _Signal(Enum):
    """Signals in a flow other than bytes."""

    END = auto()
    RESET = auto()


class Link:
    """A client's connection together with ours to the server."""

    def __init__(self, proxy: "TcpProxy") -> None:
        self.proxy = proxy
        self.fault = Fault()
        self.is_forgotten = False
        self.client = _Peer(self, self._on_client_connected)
        self.server = _Peer(self)
        self.requests = _Flow(self, self.client, self.server)
        self.answers = _Flow(self, self.server, self.client)
        self.client.flow, self.server.flow = self.requests, self.answers
        self._connecting: asyncio.Task[None] | None = None
        self._answers_passed = 0
        self._bytes_of_answer = 0

    @property
    def is_held(self) -> bool:
        """Whether forwarding is suspended."""
        return self.is_forgotten or self.fault.is_held

    def follow(self, fault: Fault) -> None:
        """Apply ``fault`` from now on."""
        self.fault = fault
        self._answers_passed = self._bytes_of_answer = 0
        self.answers.not_before = 0.0
        self.move()

    def move(self) -> None:
        """Forward all pending bytes that the fault allows."""
        if self.is_held:
            return
        if self._connecting is None:
            self._connecting = self.proxy.loop.create_task(self._connect())
        self.requests.move()
        self.answers.move()

    def reset(self) -> None:
        """Abort both connections, as a crash does."""
        self.proxy.links.discard(self)
        if self._connecting is not None:
            self._connecting.cancel()
        for flow in (self.requests, self.answers):
            flow.stop()
        for peer in (self.client, self.server):
            peer.reset()

    def end_if_done(self) -> None:
        """Close both connections after both directions have ended."""
        if self.requests.has_ended and self.answers.has_ended:
            self.proxy.links.discard(self)
            self.client.close()
            self.server.close()

    def note_request(self) -> None:
        """Record that the client has sent a message: the following bytes are a new response."""
        if self._bytes_of_answer:
            self._answers_passed += 1
            self._bytes_of_answer = 0

    def cut_point(self, data: bytes) -> int | None:
        """Return the offset in ``data`` at which to cut; None to forward it completely."""
        before = self._bytes_of_answer
        self._bytes_of_answer += len(data)
        at_byte = self.fault.cut_at_byte
        if at_byte is None or self._answers_passed < self.fault.answers_before_cut:
            return None
        if self.fault.cut_containing not in data:
            return None
        return max(0, at_byte - before) if self._bytes_of_answer >= at_byte else None

    def _on_client_connected(self) -> None:
        if not self.proxy.is_listening:
            # The proxy began to refuse after it had accepted this connection.
            self.client.reset()
            return
        self.proxy.links.add(self)
        self.proxy.accepted += 1
        self.follow(self.proxy.fault)

    async def _connect(self) -> None:
        loop = self.proxy.loop
        try:
            await loop.create_connection(lambda: self.server, _HOST, self.proxy.target_port)
        except OSError:
            self.reset()
        else:
            self.move()


class _Peer(asyncio.Protocol):
    """One end of a link, which feeds one flow."""

    flow: "_Flow"

    def __init__(self, link: Link, on_connected: Callable[[], None] = lambda: None) -> None:
        self._link = link
        self._on_connected = on_connected
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._on_connected()

    def data_received(self, data: bytes) -> None:
        self.flow.take(data)

    def eof_received(self) -> bool:
        self.flow.take(_Signal.END)
        return True  # the other direction stays open

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self.flow.take(_Signal.RESET)

    def reset(self) -> None:
        """Close with a reset."""
        if self.transport is not None:
            connection = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.transport.abort()

    def close(self) -> None:
        """Close in order."""
        if self.transport is not None:
            self.transport.close()


class _Flow:
    """One direction of a link: bytes received from ``source`` and not yet sent to ``sink``."""

    def __init__(self, link: Link, source: _Peer, sink: _Peer) -> None:
        self._link = link
        self._source = source
        self._sink = sink
        self._waiting: deque[tuple[float, bytes | _Signal]] = deque()
        self.not_before = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.has_ended = False

    def take(self, piece: bytes | _Signal) -> None:
        """Forward ``piece`` when it is due."""
        if self.has_ended:
            return
        self._waiting.append((self._now() + self._link.fault.delay, piece))
        self.move()

    def stop(self) -> None:
        """Stop forwarding."""
        self._waiting.clear()
        self._forget_timer()

    def move(self) -> None:
        """Forward all pieces that are due."""
        self._forget_timer()
        while self._waiting and not self._link.is_held and self._sink.transport is not None:
            due, piece = self._waiting[0]
            due = max(due, self.not_before)
            if due > self._now():
                self._timer = self._link.proxy.loop.call_at(due, self.move)
                return
            self._waiting.popleft()
            self._pass_on(piece)

    def _pass_on(self, piece: bytes | _Signal) -> None:
        assert self._sink.transport is not None
        if piece is _Signal.RESET or self._sink.transport.is_closing():
            self._link.reset()
        elif isinstance(piece, _Signal):
            self.has_ended = True
            with contextlib.suppress(OSError):
                self._sink.transport.write_eof()
            self._link.end_if_done()
        elif self._sink is self._link.server:
            self._link.note_request()
            self._sink.transport.write(piece)
        else:
            self._answer(self._sink.transport, self._link.proxy.readdressed(piece))

    def _answer(self, client: asyncio.Transport, data: bytes) -> None:
        interval = self._link.fault.drip_interval
        if interval is not None:
            self.not_before = self._now() + interval
            if data[1:]:
                self._waiting.appendleft((0.0, data[1:]))
            data = data[:1]
        cut_point = self._link.cut_point(data)
        client.write(data[:cut_point])
        if cut_point is not None:
            self._link.reset()
            self._link.proxy.note_cut()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _now(self) -> float:
        return self._link.proxy.loop.time()
