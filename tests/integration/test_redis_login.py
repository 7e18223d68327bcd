"""Redis with a login: ACL users, and rotated passwords."""

import json
import os
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import redis

from local.ports import free_ports
from local.stack import Stack
from streaming.config import rotating_secrets as secrets
from tests.support import redis_of_stack
from tests.support.functions import Viewer, forget_environment
from tests.support.secret_store import SecretStore, secret_store

USER = "streaming"


@pytest.fixture
def closed_redis(stack: Stack, environment: dict[str, str]) -> Iterator[redis.Redis]:
    """A Redis that requires a login, accessed by its administrator."""
    (port,) = free_ports(1)
    server = redis_of_stack.server(port, stack.state, os.environ)
    server.start()
    everything = {"keys": ["*"], "channels": ["*"], "categories": ["+@all"]}
    with redis.Redis(port=port) as anybody:
        anybody.acl_setuser("admin", enabled=True, passwords=["+admins"], **everything)
    admin = redis.Redis(port=port, username="admin", password="admins")
    admin.acl_setuser("default", enabled=False, reset=True)
    yield admin
    admin.close()
    server.stop()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretStore]:
    """A secret store, which is read again immediately after a refusal."""
    monkeypatch.setattr(secrets, "RENEWAL_PAUSE_SECONDS", 0.0)
    with secret_store("{}") as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.url)
        yield server


def let_in(closed_redis: redis.Redis, password: str, *commands: str) -> None:
    """Set the service's user's only password; the user has no administrative commands."""
    closed_redis.acl_setuser(
        USER,
        enabled=True,
        passwords=[f"+{password}"],
        keys=["*"],
        categories=["+@all", "-@admin", "-@dangerous"],
        commands=commands,
        reset=True,
    )


def log_in(monkeypatch: pytest.MonkeyPatch, closed_redis: redis.Redis, **login: str) -> None:
    """Begin an environment with the variables of ``login``."""
    port = closed_redis.connection_pool.connection_kwargs["port"]
    for name, value in {"REDIS_PORT": str(port), **login}.items():
        monkeypatch.setenv(name, value)
    forget_environment()


def is_cached(closed_redis: redis.Redis, viewer: Viewer, movie_id: UUID, position: int) -> bool:
    """Report a position; return whether Redis contains it then."""
    assert viewer.report(movie_id, position).status == 200
    value: Any = closed_redis.get(f"progress:{viewer.user_id}:{movie_id}")
    return value is not None and bool(json.loads(value)["position_seconds"] == position)


@pytest.mark.parametrize("commands", [["+info"], []], ids=["with INFO", "without INFO"])
def test_user_of_the_access_control_list(
    closed_redis: redis.Redis,
    viewer: Viewer,
    movie_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
    commands: list[str],
) -> None:
    """A user without administrators' rights is sufficient for all operations of the service."""
    let_in(closed_redis, "right", *commands)
    log_in(monkeypatch, closed_redis, REDIS_USERNAME=USER, REDIS_PASSWORD="right")

    assert viewer.start(movie_id).status == 200
    assert is_cached(closed_redis, viewer, movie_id, 8)
    assert viewer.stop(movie_id, 9).status == 200
    assert viewer.progress(movie_id).json["position_seconds"] == 9


def test_password_of_the_default_user(
    closed_redis: redis.Redis,
    viewer: Viewer,
    movie_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A password without a user is the default user's."""
    closed_redis.acl_setuser(
        "default", enabled=True, passwords=["+right"], keys=["*"], categories=["+@all"], reset=True
    )
    log_in(monkeypatch, closed_redis, REDIS_PASSWORD="right")

    assert is_cached(closed_redis, viewer, movie_id, 8)


@pytest.mark.parametrize(
    "login", [{}, {"REDIS_PASSWORD": "x"}, {"REDIS_USERNAME": USER, "REDIS_PASSWORD": "wrong"}]
)
def test_refused_login(
    closed_redis: redis.Redis,
    viewer: Viewer,
    movie_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
    login: dict[str, str],
) -> None:
    """A login that Redis refuses counts as an unavailable Redis: every call succeeds uncached."""
    let_in(closed_redis, "right")
    log_in(monkeypatch, closed_redis, **login)

    assert viewer.start(movie_id).status == 200
    assert not is_cached(closed_redis, viewer, movie_id, 8)
    assert viewer.stop(movie_id, 9).status == 200
    assert not closed_redis.keys("*")


def test_rotated_password(
    closed_redis: redis.Redis,
    store: SecretStore,
    viewer: Viewer,
    movie_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a rotation the next call reads the new password, and never skips Redis."""

    def rotate(password: str) -> None:
        let_in(closed_redis, password)
        store.put(json.dumps({"username": USER, "password": password}))

    rotate("yesterday's")
    log_in(monkeypatch, closed_redis, REDIS_SECRET_ARN=store.arn)
    assert is_cached(closed_redis, viewer, movie_id, 8)

    rotate("today's")
    closed_redis.client_kill_filter(_type="normal", skipme=True)

    assert is_cached(closed_redis, viewer, movie_id, 9)
    assert store.reads == 2
