"""A TCP proxy between the service and a server that injects faults on command.

Every fault begins when its method returns, for open and for new connections, and ends with
``pass_through``. Bytes that a fault holds back are delivered afterwards, as TCP does.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from tests.support.tcp_fault import Fault
from tests.support.tcp_link import Link

_HOST = "127.0.0.1"
_BACKLOG = 128

Result = TypeVar("Result")


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
        self.fault = Fault()
        self.links: set[Link] = set()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._listener: socket.socket | None = None
        self._accepting: set[asyncio.Task[Any]] = set()
        self._deaf: list[socket.socket] = []

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        self.pass_through()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the listener and reset all connections."""
        self.refuse()
        self._run(self._await_tasks())
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
        return self._listener is not None

    def pass_through(self) -> None:
        """Forward everything without delay."""
        self._run(self._switch(Fault()))

    def refuse(self) -> None:
        """Reset open connections and refuse new ones, as if no process listened."""
        self._run(self._refuse())

    def black_hole(self) -> None:
        """Accept connections and forward nothing in either direction, as a server that hangs."""
        self._run(self._switch(Fault(is_held=True)))

    def unreachable(self) -> None:
        """Forward nothing and do not answer connection attempts, as a host that is down.

        Linux only.
        """
        self._run(self._become_unreachable())

    def delay(self, seconds: float) -> None:
        """Forward everything with a delay in each direction."""
        self._run(self._switch(Fault(delay=seconds)))

    def drip(self, interval_seconds: float = 1.0) -> None:
        """Forward one byte at a time to the client."""
        self._run(self._switch(Fault(drip_interval=interval_seconds)))

    def cut(self, at_byte: int = 2, answers_before: int = 0) -> None:
        """Reset each connection in the middle of a response, of which ``at_byte`` bytes arrive.

        ``answers_before`` responses of each connection are forwarded completely, counted from now;
        a response is everything that the server sends between two messages of the client.
        """
        self._run(self._switch(Fault(cut_at_byte=at_byte, answers_before_cut=answers_before)))

    def cut_once(
        self, at_byte: int = 0, answers_before: int = 0, *, containing: bytes = b""
    ) -> None:
        """Act as ``cut`` on the first connection that reaches that point; then forward everything.

        Only a response ``containing`` these bytes is cut, if it arrives in one piece.
        """
        fault = Fault(
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

    async def _switch(self, fault: Fault) -> None:
        self._hear_again()
        if self._listener is None:
            self._listener = socket.create_server((self.host, self.port), backlog=_BACKLOG)
            self._listener.settimeout(0)
            self.port = self._listener.getsockname()[1]
            self.loop.add_reader(self._listener, self._accept, self._listener)
        self._apply(fault)

    def _accept(self, listener: socket.socket) -> None:
        # In Python 3.13 a server of asyncio fails with what it has accepted just before its end.
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            connection, _ = listener.accept()
            connection.settimeout(0)
            accepting = self.loop.create_task(
                self.loop.connect_accepted_socket(lambda: Link(self).client, connection)
            )
            self._accepting.add(accepting)
            accepting.add_done_callback(self._accepting.discard)

    def _apply(self, fault: Fault) -> None:
        self.fault = fault
        for link in list(self.links):
            link.follow(fault)

    def note_cut(self) -> None:
        """Record that a connection was cut."""
        self.cuts += 1
        if self.fault.is_cut_once:
            self._apply(Fault())

    async def _refuse(self) -> None:
        self._hear_again()
        await self._close_listener()
        await self._cut_connections()

    async def _become_unreachable(self) -> None:
        self._apply(Fault(is_held=True))
        await self._close_listener()
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

    async def _close_listener(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            self.loop.remove_reader(listener)
            listener.close()
            # Connections that were accepted just before are reset.
            await asyncio.gather(*self._accepting, return_exceptions=True)

    async def _cut_connections(self) -> int:
        links = list(self.links)
        for link in links:
            link.reset()
        # The sockets are closed by callbacks that run next.
        await asyncio.sleep(0)
        return len(links)

    async def _await_tasks(self) -> None:
        """Wait for the end of cancelled attempts to connect to the server."""
        await asyncio.gather(
            *asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True
        )

    async def _forget_connections(self) -> int:
        for link in self.links:
            link.is_forgotten = True
        return len(self.links)


def kafka_address(port: int) -> bytes:
    """Return a broker's address of this host as Kafka's protocol writes it."""
    return _HOST.encode() + struct.pack(">i", port)
