"""Every server except S3 (`test_storage_tls.py`) over TLS: verified by name, or not used."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from redis import Redis

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.config.variables import ConfigurationError
from streaming.domain.errors import DatabaseUnavailable
from streaming.repository.database import Database
from streaming.repository.transaction import Row
from tests.conftest import Rows
from tests.support.functions import Viewer, forget_environment
from tests.support.http_requests import requests_in
from tests.support.redis_of_stack import announced
from tests.support.tcp_proxy import TcpProxy
from tests.support.tls import Authority, TlsFront
from tests.support.waiting import bounded_wait


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that the service trusts."""
    return Authority(tmp_path_factory.mktemp("tls"), "trusted")


@pytest.fixture(scope="module")
def stranger_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority."""
    return Authority(tmp_path_factory.mktemp("tls"), "stranger")


@pytest.fixture
def secure_postgres(stack: Stack, authority: Authority) -> Iterator[TlsFront]:
    """PostgreSQL with a certificate for the address 127.0.0.1."""
    context = authority.server_context("127.0.0.1")
    with TlsFront(stack.ports.postgres_port, context, postgres=True) as front:
        yield front


@pytest.fixture
def secure_redis(stack: Stack, authority: Authority) -> Iterator[TlsFront]:
    """Redis with a certificate for the address 127.0.0.1."""
    context = authority.server_context("127.0.0.1")
    with TlsFront(stack.ports.redis_port, context) as front, announced(stack, front.port):
        yield front


def database_url(stack: Stack, port: int, query: str, host: str = "127.0.0.1") -> str:
    """Return the URL of the stack's database at another address."""
    address = urlsplit(stack.environment["DATABASE_URL"])
    user = address.netloc.rpartition("@")[0]
    return address._replace(netloc=f"{user}@{host}:{port}", query=query).geturl()


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_database_over_tls(
    stack: Stack,
    viewer: Viewer,
    movie_id: UUID,
    secure_postgres: TlsFront,
    authority: Authority,
    mode: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the authority of its certificate PostgreSQL is used over TLS."""
    query = f"sslmode={mode}&sslrootcert={authority.file}"
    monkeypatch.setenv("DATABASE_URL", database_url(stack, secure_postgres.port, query))
    forget_environment()

    session_id = viewer.start(movie_id).json["session_id"]
    assert viewer.report(movie_id, 8, session_id=session_id, sequence=1).status == 200
    assert viewer.continue_watching().json["items"][0]["position_seconds"] == 8
    assert viewer.stop(movie_id, 9).status == 200
    assert secure_postgres.handshakes >= 1


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
@pytest.mark.parametrize("wrong", ["authority", "public authorities", "host name", "plaintext"])
def test_database_that_cannot_be_verified(
    stack: Stack,
    viewer: Viewer,
    movie_id: UUID,
    secure_postgres: TlsFront,
    authority: Authority,
    stranger_authority: Authority,
    mode: str,
    wrong: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With any error, in any mode, the response is 503; nothing falls back to plaintext."""
    port, host = secure_postgres.port, "127.0.0.1"
    query = f"sslmode={mode}&sslrootcert={authority.file}"
    if wrong == "authority":
        query = f"sslmode={mode}&sslrootcert={stranger_authority.file}"
    elif wrong == "public authorities":
        query = f"sslmode={mode}"
    elif wrong == "host name":
        host = "localhost"
    else:
        port = stack.ports.postgres_port
    monkeypatch.setenv("DATABASE_URL", database_url(stack, port, query, host))
    forget_environment()

    answer = viewer.report(movie_id, 8)

    assert (answer.status, answer.json["code"]) == (503, "database_unavailable")
    assert secure_postgres.handshakes == 0


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("sslmode=prefer", "prefer"),
        ("sslmode=allow", "allow"),
        ("sslmode=", "sslmode"),
        ("sslmode=Verify-Full", "Verify-Full"),
        ("ssl_mode=verify-full", "ssl_mode"),
        ("sslmode=verify-full&sslcert=client.pem", "sslcert"),
        ("sslrootcert=bundle.pem", "sslrootcert"),
        ("sslmode=verify-full&sslrootcert=/nowhere.pem", "sslrootcert"),
        ("sslmode=verify-full&sslmode=disable", "repeats"),
        ("sslmode=disable&sslmode=verify-full", "repeats"),
    ],
)
def test_wishes_for_tls_are_not_ignored(environment: dict[str, str], query: str, told: str) -> None:
    """A mode with a fallback, and misspelt parameters, are rejected by name."""
    with pytest.raises(ConfigurationError, match=told):
        Database(DatabaseSettings(f"{environment['DATABASE_URL']}?{query}")).run(
            lambda transaction: transaction.rows("SELECT 1")
        )


def test_tls_can_be_off(environment: dict[str, str]) -> None:
    """Without sslmode, or with disable, there is no TLS, as for a server on the same machine."""
    for query in ("", "?sslmode=disable"):
        plain = Database(DatabaseSettings(environment["DATABASE_URL"] + query))
        assert plain.run(lambda transaction: transaction.rows("SELECT 1 AS one")) == [{"one": 1}]
        plain.close()


def test_black_hole_during_the_handshake(environment: dict[str, str], authority: Authority) -> None:
    """The attempt to connect to a server that accepts without responding times out."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"postgresql://u:p@127.0.0.1:{port}/d?sslmode=verify-full"
        with bounded_wait(), pytest.raises(DatabaseUnavailable):
            Database(DatabaseSettings(url)).run(lambda transaction: transaction.rows("SELECT 1"))


def test_redis_over_tls(
    stack: Stack,
    viewer: Viewer,
    movie_id: UUID,
    secure_redis: TlsFront,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the authority of its certificate, Redis is used over TLS."""
    speak_tls_to_redis(monkeypatch, secure_redis.port, authority)
    assert viewer.start(movie_id).status == 200
    assert viewer.report(movie_id, 8).status == 200

    with closing(Redis(port=stack.ports.redis_port)) as redis:
        cached = redis.get(f"progress:{viewer.user_id}:{movie_id}")
    assert isinstance(cached, bytes)
    assert json.loads(cached)["position_seconds"] == 8
    assert secure_redis.handshakes >= 1


@pytest.mark.parametrize("wrong", ["authority", "host name", "plaintext"])
def test_redis_that_cannot_be_verified(
    stack: Stack,
    viewer: Viewer,
    movie_id: UUID,
    secure_redis: TlsFront,
    authority: Authority,
    stranger_authority: Authority,
    wrong: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With any error, Redis counts as unavailable: nothing is cached and every call succeeds."""
    port = stack.ports.redis_port if wrong == "plaintext" else secure_redis.port
    trusted = stranger_authority if wrong == "authority" else authority
    speak_tls_to_redis(monkeypatch, port, trusted)
    if wrong == "host name":
        if stack.environment.get("REDIS_CLUSTER"):
            pytest.skip("redis-py takes localhost, and no other name, for the address of a node")
        monkeypatch.setenv("REDIS_HOST", "localhost")
        forget_environment()

    session_id = viewer.start(movie_id).json["session_id"]
    assert viewer.report(movie_id, 8, session_id=session_id, sequence=1).status == 200
    assert viewer.progress(movie_id).json["position_seconds"] == 8
    assert viewer.stop(movie_id, 9).status == 200
    assert secure_redis.handshakes == 0


def speak_tls_to_redis(monkeypatch: pytest.MonkeyPatch, port: int, trusted: Authority) -> None:
    """Begin an environment that uses Redis over TLS; Python's default authority is ``trusted``."""
    monkeypatch.setenv("REDIS_TLS", "true")
    monkeypatch.setenv("REDIS_PORT", str(port))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted.file))
    forget_environment()


@pytest.fixture
def secure_kafka(stack: Stack, authority: Authority) -> Iterator[TlsFront]:
    """Kafka with a certificate for the address 127.0.0.1, which it advertises."""
    context = authority.server_context("127.0.0.1")
    with (
        TcpProxy(stack.ports.kafka_port, readdress=True) as inner,
        TlsFront(inner.port, context) as front,
    ):
        inner.named_port = front.port
        yield front


def speak_tls_to_kafka(monkeypatch: pytest.MonkeyPatch, host: str, trusted: Authority) -> None:
    """Begin an environment that sends events over TLS and trusts one authority."""
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SSL")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", host)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted.file))
    forget_environment()


def test_kafka_over_tls(
    viewer: Viewer,
    movie_id: UUID,
    secure_kafka: TlsFront,
    authority: Authority,
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the authority of its certificate, events go to Kafka over TLS and leave the outbox."""
    speak_tls_to_kafka(monkeypatch, f"127.0.0.1:{secure_kafka.port}", authority)

    assert viewer.start(movie_id).status == 200

    assert not outbox_of(rows, viewer)
    assert secure_kafka.handshakes >= 1


@pytest.mark.usefixtures("leftovers_collected")
@pytest.mark.parametrize("wrong", ["authority", "host name", "plaintext"])
def test_kafka_that_cannot_be_verified(
    stack: Stack,
    viewer: Viewer,
    movie_id: UUID,
    secure_kafka: TlsFront,
    authority: Authority,
    stranger_authority: Authority,
    rows: Rows,
    wrong: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With any error, events wait in the outbox, and nothing is sent in plaintext."""
    port = stack.ports.kafka_port if wrong == "plaintext" else secure_kafka.port
    host = "localhost" if wrong == "host name" else "127.0.0.1"
    trusted = stranger_authority if wrong == "authority" else authority
    speak_tls_to_kafka(monkeypatch, f"{host}:{port}", trusted)

    assert viewer.start(movie_id).status == 200

    assert len(outbox_of(rows, viewer)) == 1
    assert secure_kafka.handshakes == 0


def outbox_of(rows: Rows, viewer: Viewer) -> list[Row]:
    """Return the waiting events of a user."""
    return rows("SELECT id FROM event_outbox WHERE key = :user", user=str(viewer.user_id))


@pytest.mark.parametrize("wrong", [None, "authority", "host name", "plaintext"])
def test_user_service_over_tls(
    stack: Stack,
    viewer: Viewer,
    movie_id: UUID,
    authority: Authority,
    stranger_authority: Authority,
    wrong: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Subscriptions are requested over TLS; an unverified service gets no token."""
    plain = stack.user_service.port
    with TlsFront(plain, authority.server_context("127.0.0.1")) as front:
        host = "localhost" if wrong == "host name" else "127.0.0.1"
        port = plain if wrong == "plaintext" else front.port
        monkeypatch.setenv("USER_SERVICE_URL", f"https://{host}:{port}")
        trusted = stranger_authority if wrong == "authority" else authority
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted.file))
        forget_environment()

        answer = viewer.start(movie_id)

        forget_environment()
        if wrong is None:
            assert answer.status == 200
            (request,) = [each for sent in front.received for each in requests_in(bytes(sent))]
            assert request.target == b"/api/v1/subscriptions/current"
        else:
            assert (answer.status, answer.json["code"]) == (503, "entitlement_unavailable")
            assert front.handshakes == 0
