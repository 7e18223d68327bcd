"""The deadline of a request, and how it limits calls."""

import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from streaming.resilience.deadline import (
    DeadlineExceeded,
    allowance,
    apart,
    inherited,
    leaving,
    stretch,
    within,
)
from streaming.resilience.sockets import BoundedTls, bounded
from tests.support.tls import Authority

AMPLE = 60.0


def burn(seconds: float) -> None:
    """Compute for that long."""
    ends_at = time.process_time() + seconds
    while time.process_time() < ends_at:
        pass


def test_no_deadline() -> None:
    """Without a deadline a call gets the requested time."""
    assert allowance(7.0) == 7.0


def test_least_counts() -> None:
    """A call gets the requested or the remaining time; an inner deadline cannot extend an outer."""
    with within(AMPLE):
        assert allowance(1.0) == 1.0
        assert AMPLE - 1 < allowance(2 * AMPLE) <= AMPLE
        with within(1.0):
            assert allowance(AMPLE) <= 1.0
            with within(AMPLE):
                assert allowance(AMPLE) <= 1.0
        assert allowance(AMPLE) > 1.0
    assert allowance(AMPLE) == AMPLE


def test_stretched_limits() -> None:
    """On a busy machine every limit is the same multiple of what it is in production."""
    stretch(3)
    try:
        assert allowance(7.0) == 21.0
        with within(AMPLE):
            assert 2 * AMPLE < allowance(AMPLE) <= 3 * AMPLE
            with leaving(AMPLE / 2):
                assert AMPLE < allowance(AMPLE) <= 1.5 * AMPLE
        with apart(1.0):
            assert 1.0 < allowance(AMPLE) <= 3.0
    finally:
        stretch(1)
    assert allowance(7.0) == 7.0


def test_nothing_left() -> None:
    """Without remaining time a call is not started."""
    with within(0.0), pytest.raises(DeadlineExceeded):
        allowance(1.0)


def test_something_is_left_for_later() -> None:
    """Reserved time cannot be used before, and is available afterwards."""
    with within(AMPLE):
        with leaving(AMPLE / 2):
            assert allowance(AMPLE) <= AMPLE / 2
        assert allowance(AMPLE) > AMPLE / 2
        with leaving(AMPLE), pytest.raises(DeadlineExceeded):
            allowance(AMPLE)
    with leaving(AMPLE):
        assert allowance(AMPLE) == AMPLE


def test_computing_is_not_waiting() -> None:
    """Computing time does not count if the deadline says so, up to the granted amount."""
    began = time.monotonic()
    with within(AMPLE, computing_seconds=AMPLE):
        burn(0.3)
        left = allowance(AMPLE)
    assert left > AMPLE - (time.monotonic() - began) + 0.2
    with within(AMPLE):
        burn(0.3)
        assert allowance(AMPLE) <= AMPLE - 0.3
    with within(0.1, computing_seconds=0.1):
        burn(0.3)
        with pytest.raises(DeadlineExceeded):
            allowance(1.0)


def test_work_apart_puts_the_deadline_off() -> None:
    """Separate work has its own deadline, and the rest keeps its remaining time."""
    with within(AMPLE):
        with apart(1.0):
            assert allowance(AMPLE) <= 1.0
            time.sleep(0.5)
        assert allowance(AMPLE) > AMPLE - 0.4


def test_other_threads_inherit() -> None:
    """Work in other threads is limited by the same deadline."""
    with ThreadPoolExecutor(2) as pool, within(1.0):
        assert pool.submit(allowance, AMPLE).result() == AMPLE
        assert max(pool.map(inherited(allowance), [AMPLE, AMPLE])) <= 1.0


def drip(connection: socket.socket) -> None:
    """Send a byte ten times a second, for longer than any test reads."""
    with connection:
        for _ in range(100):
            try:
                connection.send(b"x")
            except OSError:
                return
            time.sleep(0.1)


def read_on(connection: socket.socket) -> None:
    """Read until the end."""
    while connection.recv(1):
        pass


def test_dripping_answer_ends() -> None:
    """Data arriving byte by byte end with the deadline, for any reader; later reads may wait."""
    ours, theirs = socket.socketpair()
    threading.Thread(target=drip, args=(theirs,), daemon=True).start()
    with bounded(ours) as connection:
        connection.settimeout(5.0)
        with pytest.raises(TimeoutError), within(0.5):
            read_on(connection)
        with connection.makefile("rb") as file, pytest.raises(TimeoutError), within(0.5):
            file.read(100)
        assert connection.recv(1) == b"x"
        assert connection.gettimeout() == 5.0


@pytest.mark.parametrize("of", ["context", "connection"])
def test_dripping_answer_over_tls_ends(tmp_path: Path, of: str) -> None:
    """The same over TLS, with the context's class or for an existing connection."""
    authority = Authority(tmp_path, "trusted")
    context = ssl.create_default_context(cafile=authority.file)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        server = authority.server_context("host.example")
        drip(server.wrap_socket(theirs, server_side=True))

    threading.Thread(target=serve, daemon=True).start()
    if of == "context":
        context.sslsocket_class = BoundedTls
    with ours, context.wrap_socket(ours, server_hostname="host.example") as wrapped:
        connection = wrapped if of == "context" else bounded(wrapped)
        with pytest.raises(TimeoutError), within(0.5):
            read_on(connection)
        assert connection.recv(1) == b"x"


def test_sending_ends() -> None:
    """A peer that reads nothing blocks a sender no longer than the deadline."""
    ours, theirs = socket.socketpair()
    with bounded(ours) as connection, theirs, pytest.raises(TimeoutError), within(0.2):
        connection.sendall(bytes(64 * 1024 * 1024))
