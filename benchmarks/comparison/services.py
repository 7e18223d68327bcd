"""The measured services: ours, and the peers, each with its own database and topics."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from kafka import KafkaAdminClient

from benchmarks.circumstances import ROOT
from local.servers.postgres import USER
from local.stack import Stack

PEERS = ROOT / "benchmarks" / "peers"
WORKER = Path(__file__).with_name("worker.py")
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
PEERS_PYTHON = ROOT / ".venv" / f"peers-{VERSION}" / "bin" / "python"

Event = dict[str, Any]

# What Lambda sets. The trace is not sampled, as most are.
_LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "AWS_LAMBDA_FUNCTION_VERSION": "7",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/function",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[7]8d6f6a0e5f3a4f579f2a0a4b6f2c1d3e",
    "AWS_EXECUTION_ENV": f"AWS_Lambda_python{VERSION}",
    "LAMBDA_TASK_ROOT": "/var/task",
    "_X_AMZN_TRACE_ID": (
        "Root=1-692184d8-3b0f5a1e6c7d8e9f0a1b2c3d;Parent=53995c3f42cd8ad8;Sampled=0"
    ),
    "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
}


@dataclass(frozen=True, slots=True)
class Service:
    """A service: the folders of each function's code, and its place in each server.

    ``redis_database`` is None for ours, which uses the stack's database and topics.
    """

    name: str
    title: str
    python: Path
    folders: Mapping[str, Sequence[Path]]
    redis_database: int | None = None

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a function; ``variables`` are those of the stack."""
        own = {**variables, **_LAMBDA, "REDIS_SUBSCRIPTION_CACHE_TTL": "86400"}
        if self.redis_database is not None:
            own["DATABASE_URL"] = f"{own['DATABASE_URL'].rpartition('/')[0]}/{self.name}"
            own["REDIS_DB"] = str(self.redis_database)
            own["KAFKA_TOPIC_PREFIX"] = self.name
        return own


_CALLS = ("start", "progress", "get", "stop")
_CLASSIC, _LAYER = PEERS / "classic_lambda", PEERS / "layer"

OURS = Service(
    "ours",
    "this service",
    Path(sys.executable),
    {
        name: (ROOT / "functions" / name, ROOT / "layers/streaming/python")
        for name in ("authorizer", *_CALLS)
    },
)
FASTAPI = Service(
    "fastapi_lambda",
    "FastAPI on Lambda",
    PEERS_PYTHON,
    dict.fromkeys(_CALLS, (PEERS / "fastapi_lambda", _LAYER)),
    1,
)
CLASSIC = Service(
    "classic_lambda",
    "the usual Lambda",
    PEERS_PYTHON,
    {name: (_CLASSIC / name, _CLASSIC, _LAYER) for name in ("authorizer", *_CALLS)},
    2,
)
SERVICES = (OURS, FASTAPI, CLASSIC)


@dataclass(frozen=True, slots=True)
class Calls:
    """The results of some calls, the nanoseconds of each, and of the processor for all."""

    results: list[Event]
    nanoseconds: list[int]
    processor_nanoseconds: int

    @property
    def bodies(self) -> list[Any]:
        """The bodies of the responses, which must all be successful."""
        for result in self.results:
            assert result["statusCode"] == 200, result
        return [json.loads(result["body"]) for result in self.results]


class Worker:
    """A process with one function of a service; what it prints goes to ``log``.

    A context manager.
    """

    def __init__(
        self, service: Service, function: str, variables: Mapping[str, str], log: Path
    ) -> None:
        self._service = service
        self._function = function
        self._environment = service.environment(variables)
        self._log = log

    def __enter__(self) -> Self:
        """Start the process, which loads the function."""
        folders = map(str, self._service.folders[self._function])
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._service.python), str(WORKER), "app", *folders],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
                text=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def call(self, events: Sequence[Event]) -> Calls:
        """Call the function with each event."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(events) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._service.name}/{self._function} failed; see {self._log}")
        return Calls(*json.loads(answer))


def prepare(stack: Stack) -> None:
    """Create the databases and topics of the peers."""
    peers = [service for service in SERVICES if service.redis_database is not None]
    with _administrator(stack) as connection:
        for peer in peers:
            connection.run(f"CREATE DATABASE {peer.name} OWNER {USER}")
    for peer in peers:
        with _administrator(stack, peer.name) as connection:
            connection.run(f"SET ROLE {USER}")
            connection.run((PEERS / "schema.sql").read_text("utf-8"))
    topics = {
        f"{peer.name}.{each}": {"num_partitions": 3, "replication_factor": 1}
        for peer in peers
        for each in ("start", "progress", "stop")
    }
    client = KafkaAdminClient(bootstrap_servers=stack.environment["KAFKA_BOOTSTRAP_SERVERS"])
    client.create_topics(topics)
    client.close()


@contextmanager
def _administrator(stack: Stack, database: str = "postgres") -> Iterator[Any]:
    connection = stack.postgres.connect_as_administrator(database)
    try:
        yield connection
    finally:
        connection.close()
