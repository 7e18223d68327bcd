"""What a call uses: the input of the costs, as it is kept in benchmarks/results/usage.json."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.circumstances import ROOT

FILE = ROOT / "benchmarks" / "results" / "usage.json"
CALLS = ("start", "progress", "get", "stop", "authorizer")
# Calls that reach API Gateway; the authorizer's are part of another request.
REQUESTS = CALLS[:-1]


@dataclass(frozen=True, slots=True)
class Usage:
    """The mean of the measured calls of one kind.

    Args:
        handler_ms: Duration of the handler, with 0.5 ms more for each round trip.
        processor_ms: Processor time of the handler.
        database_ms: Processor time of PostgreSQL.
        commits: Committed transactions that wrote.
        wal_bytes: Bytes of PostgreSQL's write-ahead log.
        redis_commands: Commands that Redis ran, those of scripts included.
        event_bytes: Keys and values that were sent to Kafka.
        log_bytes: What the function printed.
    """

    handler_ms: float
    processor_ms: float
    database_ms: float
    commits: float
    wal_bytes: float
    redis_commands: float
    event_bytes: float
    log_bytes: float


Services = Mapping[str, Mapping[str, Usage]]
"""The usage by service and call."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A measurement, and the circumstances in which it was made."""

    circumstances: Mapping[str, Any]
    services: Services


def save(kept: Kept, path: Path = FILE) -> None:
    """Keep a measurement, in place of the former one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "circumstances": kept.circumstances,
        "services": {
            service: {call: _rounded(usage) for call, usage in calls.items()}
            for service, calls in kept.services.items()
        },
    }
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", "utf-8")


def load(path: Path = FILE) -> Kept:
    """Return the kept measurement."""
    document = json.loads(path.read_text("utf-8"))
    services = {
        service: {call: Usage(**usage) for call, usage in calls.items()}
        for service, calls in document["services"].items()
    }
    return Kept(document["circumstances"], services)


def _rounded(usage: Usage) -> dict[str, float]:
    return {name: round(value, 3) for name, value in asdict(usage).items()}
