"""Metrics that CloudWatch reads from the functions' output."""

import json
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import botocore.exceptions
import httpx
import kafka.errors
import pg8000.native
import pytest
import redis.exceptions

from streaming.observability.metrics import (
    emit,
    emit_dependency_failure,
    emit_server_error,
    emit_slow_answer,
    kind_of,
)
from streaming.resilience.deadline import DeadlineExceeded
from tests.support.emitted import emitted

OF_AN_OPERATION = ["service", "dependency", "operation", "kind"]


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack of the functions."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "streaming-prod")


def test_line_is_embedded_metric_format(capsys: pytest.CaptureFixture[str]) -> None:
    """Every metric and every dimension of the directive is at the root of the line."""
    emit(OutboxMessages=3, OutboxAgeSeconds=1.5)
    told = emit_dependency_failure("redis", "get", ConnectionRefusedError("no"))
    emit_server_error("streaming-prod-start", "7", 500)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    for line in lines:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Streaming"
        names = {metric["Name"] for metric in directive["Metrics"]}
        dimensions = {name for listed in directive["Dimensions"] for name in listed}
        assert (names | dimensions) <= line.keys()
        assert line["service"] == "streaming-prod"
    outbox, failure, error = lines
    assert (outbox["OutboxMessages"], outbox["OutboxAgeSeconds"]) == (3, 1.5)
    assert failure["DependencyFailure"] == 1
    place = {"dependency": "redis", "operation": "get", "kind": "refused"}
    assert place.items() <= failure.items()
    assert told == {**place, "error": "ConnectionRefusedError('no')"}
    assert (error["ServerErrors"], error["UnexpectedErrors"]) == (1, 1)
    assert (error["function_name"], error["version"]) == ("streaming-prod-start", "7")


@pytest.mark.parametrize(
    ("emit_it", "dimensions", "values", "members"),
    [
        (
            lambda: emit(OutboxMessages=3, OutboxAgeSeconds=1.5),
            [["service"]],
            {"OutboxMessages": 3, "OutboxAgeSeconds": 1.5},
            {},
        ),
        (
            lambda: emit_dependency_failure("redis", "get", TimeoutError()),
            [
                ["service"],
                ["service", "dependency"],
                ["service", "dependency", "operation", "kind"],
            ],
            {"DependencyFailure": 1},
            {"dependency": "redis", "operation": "get", "kind": "timeout"},
        ),
        (
            lambda: emit_server_error("streaming-prod-start", "7", 500),
            [["service", "function_name"], ["service", "function_name", "version"]],
            {"ServerErrors": 1, "UnexpectedErrors": 1},
            {"function_name": "streaming-prod-start", "version": "7"},
        ),
        (
            lambda: emit_slow_answer("streaming-prod-start", "abc", 2.5),
            [["service", "function_name"]],
            {"SlowAnswers": 1},
            {"function_name": "streaming-prod-start", "request_id": "abc", "seconds": 2.5},
        ),
    ],
)
def test_line_has_what_alarms_and_queries_read(
    capsys: pytest.CaptureFixture[str],
    emit_it: Callable[[], object],
    dimensions: list[list[str]],
    values: dict[str, float],
    members: dict[str, Any],
) -> None:
    """Each line has its dimension sets, numeric values, and the fields that queries use."""
    emit_it()

    line = json.loads(capsys.readouterr().out)
    timestamp = line.pop("timestamp")
    metrics = [{"Name": name, "Unit": "None"} for name in values]
    directive = {"Namespace": "Streaming", "Dimensions": dimensions, "Metrics": metrics}
    milliseconds = int(datetime.fromisoformat(timestamp).timestamp() * 1000)
    assert line.pop("_aws") == {"Timestamp": milliseconds, "CloudWatchMetrics": [directive]}
    assert line == {"level": "FATAL", "service": "streaming-prod", **members, **values}


def test_lines_of_threads_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Concurrent metrics of threads neither mix nor share dimensions."""
    names = [f"operation-{number}" for number in range(200)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: emit_dependency_failure("s3", name, OSError()), names))

    lines = emitted(capsys.readouterr().out, "DependencyFailure")
    assert sorted(line["operation"] for line in lines) == sorted(names)


def test_an_outage_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    """A response caused by a dependency is a server error, but not an unexpected one."""
    emit_server_error("streaming-prod-start", "7", 503)

    line = json.loads(capsys.readouterr().out)

    assert line["ServerErrors"] == 1
    assert "UnexpectedErrors" not in line


def test_lambda_filters_no_metric(capsys: pytest.CaptureFixture[str]) -> None:
    """A line has the most severe level and a time in RFC 3339, without which it counts as INFO."""
    emit(OutboxMessages=3)

    line = json.loads(capsys.readouterr().out)

    assert line["level"] == "FATAL"
    moment = datetime.fromisoformat(line["timestamp"])
    assert moment.timestamp() * 1000 == pytest.approx(line["_aws"]["Timestamp"])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(), "refused"),
        (ConnectionResetError(), "cut"),
        (TimeoutError(), "timeout"),
        (DeadlineExceeded(), "timeout"),
        (struct.error("unpack requires 5 bytes"), "cut"),
        (redis.exceptions.TimeoutError(), "timeout"),
        (redis.exceptions.ConnectionError("Connection closed by server."), "cut"),
        (redis.exceptions.ResponseError("OOM"), "rejected"),
        (redis.exceptions.AuthenticationError("WRONGPASS"), "rejected"),
        (pg8000.native.InterfaceError("network error on read"), "cut"),
        (pg8000.native.DatabaseError({"C": "53300"}), "rejected"),
        (kafka.errors.KafkaTimeoutError(), "timeout"),
        (httpx.ConnectTimeout(""), "timeout"),
        (httpx.RemoteProtocolError(""), "cut"),
        (json.JSONDecodeError("", "", 0), "invalid_answer"),
        (botocore.exceptions.ReadTimeoutError(endpoint_url=""), "timeout"),
    ],
)
def test_kind_of_failure(error: Exception, kind: str) -> None:
    """Failures of all clients are reported with the same kinds."""
    assert kind_of(error) == kind


def test_cause_counts() -> None:
    """The wrapping of a client's error does not hide the failure of the connection."""
    wrapped = redis.exceptions.ConnectionError("Error 111 connecting")
    wrapped.__cause__ = ConnectionRefusedError()

    assert kind_of(wrapped) == "refused"


def test_error_that_causes_itself() -> None:
    """An error that a client raises again from its own wrapper is also classified."""
    error = redis.exceptions.ConnectionError("Error 111 connecting")
    error.__cause__ = RuntimeError("not reached")
    error.__cause__.__cause__ = error

    assert kind_of(error) == "cut"


def test_words_of_the_server() -> None:
    """The log line of a failure contains the server's message, which redis-py's own form omits."""
    told = emit_dependency_failure("redis", "set", redis.exceptions.ResponseError("OOM memory"))

    assert told["error"] == "ResponseError('OOM memory')"
