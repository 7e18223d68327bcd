"""The template after SAM's transformation, and look-ups in it."""

import ast
from pathlib import Path

import pytest

from tests.support.templates import Json, transformed


@pytest.fixture(scope="session")
def resources() -> Json:
    """The resources as CloudFormation gets them."""
    found: Json = transformed({})["Resources"]
    return found


def of_type(resources: Json, kind: str) -> Json:
    """Return the properties of the resources of one type, by logical id."""
    found = {name: item for name, item in resources.items() if item["Type"] == kind}
    assert found, kind
    return {name: item["Properties"] for name, item in found.items()}


def metrics_of(alarm: Json) -> list[Json]:
    """Return the metrics that an alarm sums."""
    if "Metrics" not in alarm:
        return [alarm]
    (total,) = (query for query in alarm["Metrics"] if query.get("ReturnData", True))
    assert total["Expression"] == "SUM(METRICS())"
    return [query["MetricStat"]["Metric"] for query in alarm["Metrics"] if query is not total]


def budget_seconds(path: Path) -> float | None:
    """Return the maximum duration of a request by the function's own limit; None without one."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith("http_handler"):
            (budget,) = (each.value for each in node.keywords if each.arg == "budget_seconds")
            return float(ast.literal_eval(budget))
    return None
