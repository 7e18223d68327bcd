"""The queries of the runbook match the actual output of failing functions."""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.domain import clock
from streaming.domain.identifiers import uuid7
from streaming.repository.database import Database
from tests.integration.delivery.manifests import MASTER, TS_FILM, put_manifest
from tests.rie.deployed import deployed, function_environment
from tests.rie.scene import Scene
from tests.support.functions import Json, event
from tests.support.logs_insights import Row, log_events, run
from tests.support.proxies import Proxies
from tests.support.runbook import queries, runbook
from tests.support.waiting import in_time
from tools.emulator import RUNTIME_CLIENT, Emulator

_IN_USE = """
    INSERT INTO stream_sessions
        (id, user_id, movie_id, manifest_type, started_at, last_heartbeat_at)
    VALUES (:id, gen_random_uuid(), :movie_id, 'hls', now(), now())
"""
_ILLEGAL = """
    INSERT INTO event_outbox (event_id, topic, key, value, created_at)
    VALUES (gen_random_uuid(), 'no topic!', 'x', '{}', now() - interval '1 hour')
"""
# Lambda's own lines for a time-out.
# https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
REPORT = {
    "time": "2026-11-28T12:00:00.000Z",
    "type": "platform.report",
    "record": {
        "requestId": "8d6f6a0e-5f3a-4f57-9f2a-0a4b6f2c1d3e",
        "status": "timeout",
        "metrics": {"durationMs": 10000.0},
    },
}
TIMED_OUT = "2026-11-28T12:00:00.000Z 8d6f6a0e Task timed out after 10.00 seconds"
GONE = uuid4()


class Service:
    """Functions that are called once each, and their output so far."""

    def __init__(self, stack: Stack, layer: Path, folder: Path) -> None:
        self.stack = stack
        self.events: list[Row] = []
        self._layer = layer
        self._folder = folder
        database = DatabaseSettings(stack.environment["DATABASE_URL"])
        self._database = Database(database)

    def rows(self, statement: str, **values: object) -> Any:
        """Run a statement in the stack's PostgreSQL."""
        return self._database.run(lambda transaction: transaction.rows(statement, **values))

    def call(self, name: str, payload: Json, *, without: str = "", **variables: str) -> Any:
        """Call a function, without a dependency that it needs; return its response."""
        return in_time(
            lambda: self._call(name, payload, without, variables),
            lambda answer: not without and answer.get("statusCode") == 503,
        )

    def _call(self, name: str, payload: Json, without: str, variables: Mapping[str, str]) -> Any:
        if "requestContext" in payload:
            payload["requestContext"]["requestId"] = str(uuid4())
        with Proxies(self.stack) as proxies:
            if without:
                proxies[without].refuse()
            function = deployed(function_environment(proxies.environment))[name]
            log = self._folder / f"{len(self.events)}.log"
            layers = [*function.directories[1:], self._layer]
            with Emulator(function, layers, log, variables) as environment:
                answer = environment.invoke(payload)
                self.events += log_events(f"/streaming/films/{name}", environment.log)
        return answer

    def close(self) -> None:
        """Stop PostgreSQL."""
        self._database.close()


@pytest.fixture(scope="module")
def service(
    stack: Stack, dependencies_layer: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service with all failures that the runbook describes."""
    service = Service(stack, dependencies_layer, tmp_path_factory.mktemp("logs"))
    film = uuid4()
    put_manifest(stack, film, MASTER)
    put_manifest(stack, film, TS_FILM, "v/index.m3u8")
    start = Scene("start", stack, service.rows).event
    service.call("start", {**start, "pathParameters": {"movie_id": str(film)}})
    service.call("start", {**start, "pathParameters": {"movie_id": str(GONE)}})
    context = {**start["requestContext"], "timeEpoch": (time.time() - 5) * 1000}
    service.call("start", {**start, "requestContext": context})
    service.call("start", start, without="postgres")
    # A database without tables causes an unexpected error.
    empty = stack.environment["DATABASE_URL"].rpartition("/")[0] + "/postgres"
    progress = Scene("progress", stack, service.rows).event
    assert service.call("progress", progress, DATABASE_URL=empty)["statusCode"] == 500

    service.call("authorizer", event("authorizer"), ENVIRONMENT="prod", JWT_SECRET_KEY="short")
    service.call("migrate", event("migrate"), without="postgres")
    service.call("docs", event("docs_health"), PYTHONPATH=str(RUNTIME_CLIENT))

    service.rows(_IN_USE, id=uuid7(clock.milliseconds(clock.now())), movie_id=GONE)
    service.rows(_ILLEGAL)
    service.call("housekeeping", event("housekeeping"))
    service.call("housekeeping", event("housekeeping"), KAFKA_SECURITY_PROTOCOL="nonsense")

    changed = event("subscription_changed")
    records, *_ = changed["records"].values()
    records[0]["value"] = base64.b64encode(b'{"user_id": "nobody"}').decode()
    service.call("subscription_changed", changed)
    yield service
    service.close()


def answers(service: Service, name: str) -> list[Row]:
    """Return the results of a runbook query on the functions' output."""
    return run(queries()[name], service.events)


def has(rows: list[Row], **expected: object) -> bool:
    """Return whether one of the rows has these values."""
    return any(expected.items() <= row.items() for row in rows)


GROUP = "123456789012:/streaming/films/"
# For each query, rows that it must find.
FOUND: dict[str, list[dict[str, object]]] = {
    "errors": [
        {"@log": f"{GROUP}start", "code": "database_unavailable"},
        {"@log": f"{GROUP}progress", "code": "internal_error", "exception_name": "DatabaseError"},
        {"@log": f"{GROUP}authorizer", "errorType": "ConfigurationError"},
        {"@log": f"{GROUP}housekeeping", "message": "a chore failed"},
    ],
    "crashes": [
        {"@log": f"{GROUP}authorizer", "errorType": "ConfigurationError"},
        {"@log": f"{GROUP}docs", "errorType": "Runtime.ImportModuleError"},
        {"@log": f"{GROUP}housekeeping", "errorType": "ChoresFailed"},
    ],
    "versions": [
        {"function_name": "StartFunction", "version": "$LATEST", "answers": 1, "unexpected": 0},
        {"function_name": "ProgressFunction", "answers": 1, "unexpected": 1},
    ],
    "dependencies": [
        {"@log": f"{GROUP}start", "dependency": "postgresql", "kind": "refused"},
        {"@log": f"{GROUP}migrate", "dependency": "postgresql", "kind": "refused"},
    ],
    "dependency-errors": [{"dependency": "postgresql", "operation": "connect"}],
    "slow-answers": [{"function_name": "StartFunction"}],
    "chores": [{"chore": "outbox", "failures": 1, "exception_name": "ConfigurationError"}],
    "outbox": [{"OutboxDeadLetters": 1}],
    "dead-letters": [{"topic": "no topic!", "events": 1}],
    "migrations": [{"message": "the migration failed"}],
    "renditions": [{"path": "large/index.m3u8"}],
    "renewals": [{"movie_id": str(GONE), "code": "movie_not_found"}],
    "skipped-records": [{"reason": "user_id is not a UUID"}],
    "refusals": [{"@log": f"{GROUP}start", "code": "movie_not_found"}],
}


def test_every_query_is_asked() -> None:
    """This test covers every query of the runbook."""
    assert queries().keys() == {*FOUND, "one-request"}


@pytest.mark.parametrize("name", FOUND)
def test_query(service: Service, name: str) -> None:
    """The query finds the expected rows."""
    rows = answers(service, name)

    assert [wanted for wanted in FOUND[name] if not has(rows, **wanted)] == [], rows


def test_one_request(service: Service) -> None:
    """The request_id of a response finds all log lines of that call, and no others."""
    (lost,) = run('filter code = "database_unavailable" | fields request_id', service.events)

    query = queries()["one-request"].replace("REQUEST_ID", str(lost["request_id"]))

    rows = run(query, service.events)
    assert has(rows, code="database_unavailable", level="ERROR")
    assert {row["@log"] for row in rows} == {f"{GROUP}start"}


def test_time_out() -> None:
    """A time-out is found in the two forms that AWS documents; the emulator prints none."""
    for line in (json.dumps(REPORT), TIMED_OUT):
        assert len(run(queries()["crashes"], log_events("/streaming/films/start", line))) == 1


def test_nothing_is_looked_for_that_is_not_printed(service: Service) -> None:
    """JSON logs never contain [ERROR], and the runbook does not search for it."""
    lines = [str(row["@message"]) for row in service.events]
    # The emulator also logs its own messages.
    assert not any("[ERROR]" in line for line in lines if "(rapid)" not in line)
    assert "[ERROR]" not in runbook()
