"""A TCP proxy between the service and a server that injects faults on command.

Every fault begins when its method returns, for open and for new connections, and ends with
``pass_through``. Bytes that a fault holds back are delivered afterwards, as TCP does.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Self, TypeVar

_HOST = "127.0.0.1"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_BACKLOG = 128

Result = TypeVar("Result")


class _Signal(Enum):
    """Signals in a flow other than bytes."""

    END = auto()
    RESET = auto()


@dataclass(frozen=True, slots=True)
class _Fault:
    """The treatment of bytes. All times are seconds."""

    is_held: bool = False
    delay: float = 0.0
    drip_interval: float | None = None
    cut_at_byte: int | None = None
    answers_before_cut: int = 0
    is_cut_once: bool = False
    cut_containing: bytes = b""


class TcpProxy:
    """Listens on ``port`` (0 takes a free one) and forwards to ``target_port``, both of this host.

    ``readdress`` means that the server sends its address to clients, as Kafka does: the proxy
    replaces it in the responses by its own, or by ``named_port`` if another server is in front of
    the proxy. ``host`` is another address of this host to listen on. ``accepted`` counts the
    connections so far, ``cuts`` those that were cut in a response. A context manager. Its methods
    may be called from any thread.
    """

    def __init__(
        self, target_port: int, port: int = 0, *, readdress: bool = False, host: str = _HOST
    ) -> None:
        assert host == _HOST or not readdress
        self.target_port = target_port
        self.port = port
        self.host = host
        self.accepted = 0
        self.cuts = 0
        self._readdresses = readdress
        self.named_port: int | None = None
        self.fault = _Fault()
        self.links: set[_Link] = set()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._deaf: list[socket.socket] = []

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        self.pass_through()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the listener and reset all connections."""
        self.refuse()
        self._run(self._reset_latecomers())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    @property
    def connections(self) -> int:
        """The number of connected clients."""
        return len(self.links)

    @property
    def is_listening(self) -> bool:
        """Whether new connections are accepted."""
        return self._server is not None

    def pass_through(self) -> None:
        """Forward everything without delay."""
        self._run(self._switch(_Fault()))

    def refuse(self) -> None:
        """Reset open connections and refuse new ones, as if no process listened."""
        self._run(self._refuse())

    def black_hole(self) -> None:
        """Accept connections and forward nothing in either direction, as a server that hangs."""
        self._run(self._switch(_Fault(is_held=True)))

    def unreachable(self) -> None:
        """Forward nothing and do not answer connection attempts, as a host that is down.

        Linux only.
        """
        self._run(self._become_unreachable())

    def delay(self, seconds: float) -> None:
        """Forward everything with a delay in each direction."""
        self._run(self._switch(_Fault(delay=seconds)))

    def drip(self, interval_seconds: float = 1.0) -> None:
        """Forward one byte at a time to the client."""
        self._run(self._switch(_Fault(drip_interval=interval_seconds)))

    def cut(self, at_byte: int = 2, answers_before: int = 0) -> None:
        """Reset each connection in the middle of a response, of which ``at_byte`` bytes arrive.

        ``answers_before`` responses of each connection are forwarded completely, counted from now;
        a response is everything that the server sends between two messages of the client.
        """
        self._run(self._switch(_Fault(cut_at_byte=at_byte, answers_before_cut=answers_before)))

    def cut_once(
        self, at_byte: int = 0, answers_before: int = 0, *, containing: bytes = b""
    ) -> None:
        """Act as ``cut`` on the first connection that reaches that point; then forward everything.

        Only a response ``containing`` these bytes is cut, if it arrives in one piece.
        """
        fault = _Fault(
            cut_at_byte=at_byte,
            answers_before_cut=answers_before,
            is_cut_once=True,
            cut_containing=containing,
        )
        self._run(self._switch(fault))

    def cut_connections(self) -> int:
        """Reset all open connections; return their number."""
        return self._run(self._cut_connections())

    def forget_connections(self) -> int:
        """Forward nothing more through open connections, without notice to their clients.

        This is the situation of an execution environment that thaws after the network has dropped
        its open connections. Returns their number.
        """
        return self._run(self._forget_connections())

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def readdressed(self, data: bytes) -> bytes:
        """Return a response of the server with the proxy's address instead of the server's."""
        if not self._readdresses:
            return data
        return data.replace(
            kafka_address(self.target_port), kafka_address(self.named_port or self.port)
        )

    async def _switch(self, fault: _Fault) -> None:
        self._hear_again()
        if self._server is None:
            self._server = await self.loop.create_server(
                lambda: _Link(self).client,
                self.host,
                self.port,
                backlog=_BACKLOG,
                reuse_address=True,
            )
            self.port = self._server.sockets[0].getsockname()[1]
        self._apply(fault)

    def _apply(self, fault: _Fault) -> None:
        self.fault = fault
        for link in list(self.links):
            link.follow(fault)

    def note_cut(self) -> None:
        """Record that a connection was cut."""
        self.cuts += 1
        if self.fault.is_cut_once:
            self._apply(_Fault())

    async def _refuse(self) -> None:
        self._hear_again()
        self._close_listener()
        await self._cut_connections()

    async def _become_unreachable(self) -> None:
        self._apply(_Fault(is_held=True))
        self._close_listener()
        if not self._deaf:
            # Linux drops connection attempts to a listener whose queue is full.
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self.port))
            listener.listen(0)
            self._deaf = [listener, socket.create_connection((self.host, self.port))]

    def _hear_again(self) -> None:
        while self._deaf:
            self._deaf.pop().close()

    def _close_listener(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _cut_connections(self) -> int:
        links = list(self.links)
        for link in links:
            link.reset()
        # The sockets are closed by callbacks that run next.
        await asyncio.sleep(0)
        return len(links)

    async def _reset_latecomers(self) -> None:
        """Reset connections that were accepted just before the listener was closed."""
        await asyncio.gather(
            *asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True
        )
        await self._cut_connections()

    async def _forget_connections(self) -> int:
        for link in self.links:
            link.is_forgotten = True
        return len(self.links)


class _Link:
    """A client's connection together with ours to the server."""

    def __init__(self, proxy: TcpProxy) -> None:
        self.proxy = proxy
        self.fault = _Fault()
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

    def follow(self, fault: _Fault) -> None:
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

    def __init__(self, link: _Link, on_connected: Callable[[], None] = lambda: None) -> None:
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

    def __init__(self, link: _Link, source: _Peer, sink: _Peer) -> None:
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


def kafka_address(port: int) -> bytes:
    """Return a broker's address of this host as Kafka's protocol writes it."""
    return _HOST.encode() + struct.pack(">i", port)
