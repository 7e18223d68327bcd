"""External servers on this machine, which the tests use instead of the embedded ones.

``TEST_DATABASE_URL``, ``TEST_REDIS_PORT``, ``TEST_KAFKA_BOOTSTRAP_SERVERS`` and
``TEST_S3_ENDPOINT_URL`` (with ``TEST_S3_ACCESS_KEY`` and ``TEST_S3_SECRET_KEY``) name them, so the
same tests check another version, a pooler or a cluster. External servers are never stopped: a test
that would stop one is skipped.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from local.own_servers import OwnServers
from local.ports import Ports
from local.servers.server import Server
from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.repository import migrations
from streaming.repository.database import Database
from tests.support.functions import ROOT

_SERVERS = {
    "DATABASE_URL": "postgres",
    "REDIS_PORT": "redis",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka",
}


def named_by(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the functions' variables that ``environment`` sets for the tests."""
    named = {name: environment.get(f"TEST_{name}", "") for name in _SERVERS}
    return {name: value for name, value in named.items() if value}


def own_s3(environment: Mapping[str, str]) -> OwnServers:
    """Return the S3 that ``environment`` names for the tests, if any."""
    names = ("S3_ENDPOINT_URL", "S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_REGION")
    return OwnServers.of({name: environment.get(f"TEST_{name}", "") for name in names})


def require_embedded_s3(stack: Stack) -> None:
    """Skip a test that needs the three keys of the embedded store, if an external one is used."""
    if "s3" in stack.own:
        pytest.skip("this needs the keys of the embedded store")


class _NotOurs:
    """An external server, which is neither started nor stopped."""

    _TOUCHING = ("launch", "start", "stop", "ask_to_stop", "kill", "restart", "pid", "port", "log")

    def __init__(self, server: Server) -> None:
        self._server = server

    def __getattr__(self, name: str) -> Any:
        if name in self._TOUCHING:
            pytest.skip(f"{self._server.name} is an external server")
        return getattr(self._server, name)


def migrate(database_url: str) -> None:
    """Migrate an external database to the newest schema."""
    database = Database(DatabaseSettings(database_url))
    migrations.apply(database, ROOT / "migrations")
    database.close()


class StackWithOthers:
    """A stack whose functions use the servers that ``variables`` name."""

    def __init__(self, stack: Stack, variables: Mapping[str, str]) -> None:
        self._stack = stack
        self._others = {_SERVERS[name] for name in variables}
        self._redis_port = int(variables.get("REDIS_PORT", stack.ports.redis_port))

    @property
    def ports(self) -> Ports:
        """The ports, including those of external servers."""
        return replace(self._stack.ports, redis_port=self._redis_port)

    def __getattr__(self, name: str) -> Any:
        """Return the stack's own server; skip the test if it is an external one."""
        if name == "s3" and "s3" in self._stack.own:
            return _NotOurs(self._stack.s3)
        if name in self._others:
            pytest.skip(f"{name} is an external server")
        return getattr(self._stack, name)
