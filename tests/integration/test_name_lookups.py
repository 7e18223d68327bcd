"""A resolver that never answers: look-ups end with the deadline of the request."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import pytest

from tests.support.functions import Viewer, forget_environment, invoke
from tests.support.functions import event as event_of
from tests.support.waiting import eventually


class Resolver:
    """A resolver that never answers for one name; the other names are resolved as usual."""

    def __init__(self, resolve: Callable[..., Any]) -> None:
        self._resolve = resolve
        # Clients of other tests may still look for their own server.
        self.silent = f"{uuid4().hex}.example"
        self.asked = 0
        self.ends = threading.Event()

    def __call__(self, host: str, *arguments: Any, **keywords: Any) -> Any:
        """Resolve a name as ``socket.getaddrinfo`` does."""
        if host != self.silent:
            return self._resolve(host, *arguments, **keywords)
        self.asked += 1
        self.ends.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "no name server has answered")


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Iterator[Resolver]:
    """The resolver of the process, before an execution environment begins."""
    assert environment
    silent = Resolver(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", silent)
    yield silent
    silent.ends.set()
    forget_environment()


def with_host(url: str, host: str) -> str:
    """Return a URL with another host."""
    parts = urlsplit(url)
    credentials, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{credentials}{at}{host}:{parts.port}"))


@pytest.mark.parametrize(
    ("variable", "code"),
    [
        ("USER_SERVICE_URL", "entitlement_unavailable"),
        ("DATABASE_URL", "database_unavailable"),
        ("S3_ENDPOINT_URL", "storage_unavailable"),
    ],
)
def test_start(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    viewer: Viewer,
    movie_id: UUID,
    resolver: Resolver,
    variable: str,
    code: str,
) -> None:
    """A start answers with the code of the server whose name is not resolved."""
    monkeypatch.setenv(variable, with_host(environment[variable], resolver.silent))
    forget_environment()

    # S3 is asked for films without a copy.
    refused = viewer.start(uuid4() if variable == "S3_ENDPOINT_URL" else movie_id)

    assert (refused.status, refused.json["code"]) == (503, code)
    assert resolver.asked == 1, "a look-up that is running is not repeated"
    assert not resolver.ends.is_set()


def test_without_redis(
    monkeypatch: pytest.MonkeyPatch, viewer: Viewer, movie_id: UUID, resolver: Resolver
) -> None:
    """A position is saved while the name of Redis is not resolved."""
    monkeypatch.setenv("REDIS_HOST", resolver.silent)
    forget_environment()

    answer = viewer.report(movie_id, 7)

    assert (answer.status, answer.json.get("code")) == (200, None)
    assert resolver.asked == 1


def test_without_kafka(
    monkeypatch: pytest.MonkeyPatch, viewer: Viewer, movie_id: UUID, resolver: Resolver
) -> None:
    """A start succeeds while the name of Kafka is not resolved: its event is in the outbox."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"{resolver.silent}:9092")
    forget_environment()

    assert viewer.start(movie_id).status == 200
    eventually(lambda: resolver.asked > 0)


def test_the_authorizer(monkeypatch: pytest.MonkeyPatch, resolver: Resolver) -> None:
    """The authorizer fails, uncached, while the name of the auth service is not resolved."""
    monkeypatch.setenv("JWT_ALGORITHM", "RS256")
    monkeypatch.setenv("JWT_JWKS_URL", f"http://{resolver.silent}/jwks.json")
    forget_environment()
    token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.e30.AA"

    with pytest.raises(Exception, match="cannot be read"):
        invoke(
            "authorizer",
            {**event_of("authorizer"), "headers": {"authorization": f"Bearer {token}"}},
        )
    assert resolver.asked == 1
