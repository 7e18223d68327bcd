"""The faults of the proxy between the service and its servers in other tests."""

import contextlib
import gc
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.tcp_proxy import TcpProxy

PATIENCE = 10.0
# Long enough for bytes to have passed, short enough to wait for those that do not.
SILENCE = 0.2


@pytest.fixture
def proxy(server: int) -> Iterator[TcpProxy]:
    """A proxy in front of that server."""
    with TcpProxy(server) as running:
        yield running


def connect(proxy: TcpProxy, timeout: float = PATIENCE) -> socket.socket:
    """Connect through the proxy."""
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=timeout)


def receive(connection: socket.socket, size: int) -> bytes:
    """Return that many bytes, or those before the end."""
    received = b""
    while len(received) < size and (data := connection.recv(size - len(received))):
        received += data
    return received


def ask(connection: socket.socket, text: bytes) -> bytes:
    """Send ``text`` and return as many bytes."""
    connection.sendall(text)
    return receive(connection, len(text))


def assert_silent(connection: socket.socket) -> None:
    """Check that nothing arrives."""
    connection.settimeout(SILENCE)
    with pytest.raises(TimeoutError):
        connection.recv(1)
    connection.settimeout(PATIENCE)


def assert_reset(connection: socket.socket) -> None:
    """Check that the connection was reset."""
    with pytest.raises(ConnectionResetError):
        connection.recv(1)


def test_passes_through(proxy: TcpProxy) -> None:
    """Without a fault the client talks with the server, and each detects the other's end."""
    large = bytes(range(256)) * 4096
    with connect(proxy) as connection:
        sender = threading.Thread(target=connection.sendall, args=(large,))
        sender.start()
        assert receive(connection, len(large)) == large
        sender.join()
        assert proxy.connections == 1
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


def test_refused(proxy: TcpProxy) -> None:
    """Refusing resets open connections and refuses new ones, on the same port until it ends."""
    with connect(proxy) as connection:
        assert ask(connection, b"before") == b"before"
        proxy.refuse()
        assert_reset(connection)
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.pass_through()
    with connect(proxy) as connection:
        assert ask(connection, b"after") == b"after"


def test_black_hole(proxy: TcpProxy) -> None:
    """A black hole accepts and does not respond; held bytes arrive when it ends."""
    with connect(proxy) as before:
        assert ask(before, b"before") == b"before"
        proxy.black_hole()
        with connect(proxy) as during:
            for connection in (before, during):
                connection.sendall(b"late")
                assert_silent(connection)
            proxy.pass_through()
            assert receive(before, 4) == receive(during, 4) == b"late"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems queue otherwise")
def test_unreachable(proxy: TcpProxy) -> None:
    """An unreachable host answers no connection attempts, and open connections hang."""
    with connect(proxy) as before:
        assert ask(before, b"before") == b"before"
        proxy.unreachable()
        before.sendall(b"late")
        assert_silent(before)
        with pytest.raises(TimeoutError):
            connect(proxy, timeout=SILENCE)
        proxy.pass_through()
        assert receive(before, 4) == b"late"
        with connect(proxy) as after:
            assert ask(after, b"after") == b"after"


def test_delay(proxy: TcpProxy) -> None:
    """A delay is added in each direction, once for bytes sent together."""
    with connect(proxy) as connection:
        proxy.delay(0.1)
        before = time.monotonic()
        connection.sendall(b"one")
        connection.sendall(b"two")
        assert receive(connection, 6) == b"onetwo"
        assert time.monotonic() - before >= 0.2


def test_drip(proxy: TcpProxy) -> None:
    """Dripping forwards byte by byte to the client, and the rest at once when it ends."""
    with connect(proxy) as connection:
        proxy.drip(0.05)
        before = time.monotonic()
        assert ask(connection, b"drops") == b"drops"
        assert time.monotonic() - before >= 0.2
        proxy.drip(PATIENCE)
        connection.sendall(b"flood")
        assert receive(connection, 1) == b"f"
        assert_silent(connection)
        proxy.pass_through()
        assert receive(connection, 4) == b"lood"


def test_cut(proxy: TcpProxy) -> None:
    """A cut forwards a part of the next response and resets, on each connection."""
    with connect(proxy) as connection:
        assert ask(connection, b"before") == b"before"
        proxy.cut(at_byte=2)
        connection.sendall(b"answer")
        assert receive(connection, 2) == b"an"
        assert_reset(connection)
    with connect(proxy) as again:
        again.sendall(b"answer")
        assert receive(again, 2) == b"an"
        assert_reset(again)


def test_cut_of_a_later_answer(proxy: TcpProxy) -> None:
    """A cut may first forward that many complete responses."""
    with connect(proxy) as connection:
        proxy.cut(at_byte=1, answers_before=2)
        assert ask(connection, b"one") == b"one"
        assert ask(connection, b"two") == b"two"
        connection.sendall(b"three")
        assert receive(connection, 1) == b"t"
        assert_reset(connection)


def test_connections_are_cut(proxy: TcpProxy) -> None:
    """Resetting affects only open connections."""
    with connect(proxy) as connection:
        assert ask(connection, b"before") == b"before"
        assert proxy.cut_connections() == 1
        assert_reset(connection)
    assert proxy.connections == 0
    with connect(proxy) as connection:
        assert ask(connection, b"after") == b"after"


def test_connections_are_forgotten(proxy: TcpProxy) -> None:
    """Forgotten connections hang permanently; new ones work."""
    with connect(proxy) as old:
        assert ask(old, b"before") == b"before"
        assert proxy.forget_connections() == 1
        old.sendall(b"lost")
        with connect(proxy) as new:
            assert ask(new, b"after") == b"after"
        proxy.pass_through()
        assert_silent(old)


def test_answers_name_the_proxy(server: int) -> None:
    """If a server sends its address to clients, as a Kafka broker does, they get the proxy's."""
    with TcpProxy(server, readdress=True) as proxy, connect(proxy) as connection:
        answer = ask(connection, b"\0\x09127.0.0.1" + struct.pack(">i", server) + b"\xff")
        assert answer == b"\0\x09127.0.0.1" + struct.pack(">i", proxy.port) + b"\xff"


def test_server_is_gone(proxy: TcpProxy) -> None:
    """If the server does not listen, clients are reset."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        proxy.target_port = taken.getsockname()[1]
    with pytest.raises(ConnectionResetError), connect(proxy) as connection:
        connection.recv(1)


def test_cut_once(proxy: TcpProxy) -> None:
    """One response of one connection is lost; the others, and new connections, are forwarded."""
    first, second = connect(proxy), connect(proxy)
    with closing(first), closing(second):
        proxy.cut_once(answers_before=1)
        assert ask(first, b"one") == b"one"
        assert ask(second, b"one") == b"one"
        first.sendall(b"two")
        assert_reset(first)
        assert ask(second, b"two") == b"two"
        with closing(connect(proxy)) as third:
            assert ask(third, b"one") == b"one"
            assert ask(third, b"two") == b"two"
    assert proxy.cuts == 1


def test_connections_that_it_has_just_accepted_are_reset(proxy: TcpProxy) -> None:
    """When it begins to refuse, no connection is left open, nor to the garbage collector."""
    for _ in range(200):
        # Connected by the kernel; the proxy may or may not have accepted it.
        with closing(connect(proxy)) as latecomer:
            proxy.refuse()
            with contextlib.suppress(ConnectionResetError):
                assert latecomer.recv(1) == b""
        assert proxy.connections == 0
        proxy.pass_through()
    gc.collect()
