"""Single HTTP requests over TLS: verified, limited in total, with authorities read once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streaming.resilience.deadline import within
from streaming.resilience.stdlib_http import StdlibHttp
from tests.support import moto_server
from tests.support.tcp_proxy import TcpProxy
from tests.support.tls import Authority, TlsFront
from tests.support.waiting import bounded_wait


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The authority that clients trust."""
    made = Authority(tmp_path, "trusted")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@pytest.fixture
def front(authority: Authority) -> Iterator[TlsFront]:
    """A server behind TLS."""
    context = authority.server_context("localhost")
    with TlsFront(moto_server.port(), context) as server:
        yield server


def url_of(port: int) -> str:
    """Return a path that the server serves."""
    return f"https://localhost:{port}/moto-api/data.json"


def test_authorities_are_read_once(front: TlsFront, authority: Authority) -> None:
    """All requests of one object share the TLS context: the file is not read again."""
    exchange = StdlibHttp()
    assert exchange.send("GET", url_of(front.port), {})[0] == 200
    authority.file.unlink()

    assert exchange.send("GET", url_of(front.port), {})[0] == 200
    with pytest.raises(OSError):
        StdlibHttp().send("GET", url_of(front.port), {})


def test_server_is_verified(tmp_path: Path, authority: Authority) -> None:
    """A certificate of another authority, and one of another host, are rejected."""
    stranger = Authority(tmp_path, "stranger")
    for context in (stranger.server_context("localhost"), authority.server_context("elsewhere")):
        with TlsFront(moto_server.port(), context) as front, pytest.raises(OSError):
            StdlibHttp().send("GET", url_of(front.port), {})


@pytest.mark.parametrize("fault", ["black_hole", "drip"])
def test_deadline_bounds_everything(front: TlsFront, fault: str) -> None:
    """A handshake that hangs and a slow response end with the time of the request."""
    with TcpProxy(front.port) as proxy:
        exchange = StdlibHttp()
        assert exchange.send("GET", url_of(proxy.port), {})[0] == 200
        getattr(proxy, fault)()

        # Each wait may take up to 30 s by itself.
        with bounded_wait(), within(0.5), pytest.raises(TimeoutError):
            exchange.send("GET", url_of(proxy.port), {})


def test_refused_connection(authority: Authority) -> None:
    """A host without a server is an error of the operating system, after all its addresses."""
    with pytest.raises(ConnectionRefusedError):
        StdlibHttp().send("GET", url_of(9), {})
