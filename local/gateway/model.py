"""The gateway's model of a template, as plain frozen values.

The reader of the template builds them; the code that serves requests uses them and reads no YAML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT_ID = "123456789012"
API_ID = "local"
STAGE = "$default"


@dataclass(frozen=True)
class Function:
    """One Lambda function.

    ``timeout`` is in seconds, ``memory`` in MiB. ``directories`` are the folders of its code in the
    order of ``sys.path``: its own folder, then its layers. ``reserved`` is the concurrency above
    which it is throttled.
    """

    name: str
    handler: str
    timeout: float
    memory: int
    directories: tuple[Path, ...]
    environment: Mapping[str, str] = field(repr=False)
    arn: str
    reserved: int | None = None


@dataclass(frozen=True)
class Route:
    """One route of the API: ``method`` may be ANY, ``path`` may have ``{name}`` and ``{name+}``."""

    method: str
    path: str
    function: str
    authorizer: str | None = None
    timeout: float = 30.0

    @property
    def key(self) -> str:
        """Return the route key as in events."""
        return "$default" if self.path == "$default" else f"{self.method} {self.path}"


@dataclass(frozen=True)
class Authorizer:
    """One Lambda authorizer; its response is cached for ``ttl`` seconds, not at all if 0."""

    name: str
    function: str
    headers: tuple[str, ...] = ()
    query_strings: tuple[str, ...] = ()
    ttl: int = 0
    per_route: bool = False


@dataclass(frozen=True)
class Cors:
    """CORS configuration of the API."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    max_age: int | None = None
    credentials: bool = False


@dataclass(frozen=True)
class Schedule:
    """One periodic invocation; ``period`` is in seconds, ``input`` replaces the usual event."""

    name: str
    function: str
    period: float
    scheduler: bool
    input: Any = None


@dataclass(frozen=True)
class KafkaSource:
    """One event source mapping: invokes ``function`` with at most ``batch_size`` records.

    ``from_start`` says whether it reads the records that were sent before it started.
    """

    name: str
    function: str
    bootstrap_servers: tuple[str, ...]
    topics: tuple[str, ...]
    batch_size: int = 100
    from_start: bool = False


@dataclass(frozen=True)
class Service:
    """The service that one template describes."""

    region: str
    functions: Mapping[str, Function]
    routes: tuple[Route, ...]
    authorizers: Mapping[str, Authorizer]
    cors: Cors | None
    schedules: tuple[Schedule, ...]
    kafka_sources: tuple[KafkaSource, ...] = ()
