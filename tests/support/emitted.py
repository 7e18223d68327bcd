"""Metrics in the output of functions."""

import json
from typing import Any


def emitted(printed: str, name: str) -> list[dict[str, Any]]:
    """Return the lines of ``printed`` that emit the metric ``name``, as CloudWatch reads them."""
    objects = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [line for line in objects if name in _metrics(line)]


def _metrics(line: dict[str, Any]) -> set[str]:
    directives = line.get("_aws", {}).get("CloudWatchMetrics", [])
    return {metric["Name"] for each in directives for metric in each["Metrics"]}
