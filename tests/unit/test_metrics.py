"""Metrics that ride on log lines."""

import json
import struct

import botocore.exceptions
import httpx
import kafka.errors
import pg8000.native
import pytest
import redis.exceptions
from aws_lambda_powertools.logging import Logger

from streaming.deadline import DeadlineExceeded
from streaming.metrics import dependency_failure, kind_of, measured


def test_line_is_embedded_metric_format(capsys: pytest.CaptureFixture[str]) -> None:
    """Every metric and every dimension that the directive names stands at the line's root."""
    logger = Logger(service="streaming-prod")
    logger.info("measured", **measured(OutboxMessages=3, OutboxAgeSeconds=1.5))
    logger.warning("away", **dependency_failure("redis", "get", ConnectionRefusedError()))

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert len(lines) == 2
    for line in lines:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Streaming"
        names = {metric["Name"] for metric in directive["Metrics"]}
        dimensions = {name for listed in directive["Dimensions"] for name in listed}
        assert (names | dimensions) <= line.keys()
        assert line["service"] == "streaming-prod"
    assert lines[0]["OutboxMessages"] == 3
    assert lines[1]["DependencyFailure"] == 1
    assert [lines[1][name] for name in ("dependency", "operation", "kind")] == [
        "redis",
        "get",
        "refused",
    ]


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
    """Whatever client it was that failed, operators see in the same words how."""
    assert kind_of(error) == kind


def test_cause_counts() -> None:
    """A client's own wrapping does not hide what happened on the wire."""
    wrapped = redis.exceptions.ConnectionError("Error 111 connecting")
    wrapped.__cause__ = ConnectionRefusedError()

    assert kind_of(wrapped) == "refused"
