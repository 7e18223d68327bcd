"""Metrics that ride on log lines."""

import json

import pytest
from aws_lambda_powertools.logging import Logger

from streaming.metrics import failed, measured


def test_line_is_embedded_metric_format(capsys: pytest.CaptureFixture[str]) -> None:
    """Every metric and every dimension that the directive names stands at the line's root."""
    logger = Logger(service="streaming-prod")
    logger.info("measured", **measured(OutboxMessages=3, OutboxAgeSeconds=1.5))
    logger.warning("away", **failed("redis"))

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
    assert lines[1]["dependency"] == "redis"
