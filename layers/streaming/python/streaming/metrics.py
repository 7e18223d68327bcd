"""Metrics as fields of a log line (CloudWatch embedded metric format): no call, no client.

The line's own ``service``, which Powertools' logger writes, is the dimension.
"""

import time
from typing import Any

NAMESPACE = "Streaming"


def measured(**values: float) -> dict[str, Any]:
    """Return the fields that make a log line carry ``values`` as metrics by their names."""
    return _fields([["service"]], values)


def failed(dependency: str) -> dict[str, Any]:
    """Return the fields that count a failure of ``dependency``, by itself and among all."""
    dimensions = [["service"], ["service", "dependency"]]
    return {**_fields(dimensions, {"DependencyFailures": 1}), "dependency": dependency}


def _fields(dimensions: list[list[str]], values: dict[str, float]) -> dict[str, Any]:
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": dimensions,
        "Metrics": [{"Name": name} for name in values],
    }
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": about, **values}
