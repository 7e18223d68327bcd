"""Servers of somebody else on this machine, which the tests use in place of the embedded ones.

``TEST_DATABASE_URL``, ``TEST_REDIS_PORT`` and ``TEST_KAFKA_BOOTSTRAP_SERVERS`` name them; so the
same tests judge another version, a pooler or a cluster. Nobody stops servers that are not theirs:
a test that would is skipped.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from local.ports import Ports
from local.stack import Stack
from streaming import migrations
from streaming.database import Database
from streaming.settings import DatabaseSettings
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


def migrate(database_url: str) -> None:
    """Bring somebody else's database to the newest schema."""
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
        """The ports, somebody else's included."""
        return replace(self._stack.ports, redis_port=self._redis_port)

    def __getattr__(self, name: str) -> Any:
        """Return the stack's own, unless it is a server that is not the stack's."""
        if name in self._others:
            pytest.skip(f"{name} is somebody else's")
        return getattr(self._stack, name)
