"""What ``ExpectedViewers`` sizes: throttling, concurrency, connections and alarms."""

import math
import re
from collections.abc import Callable

import pytest

from benchmarks.cost import model
from tests.support.stacks import Stack
from tests.support.templates import ROOT, Json, source

SIZES = [int(size) for size in source()["Parameters"]["ExpectedViewers"]["AllowedValues"]]
# The formulas of docs/deploy.md, for a number of viewers. The smallest size reserves nothing.
HEADROOM = 1.5
REPORT_SECONDS = 10
ARRIVAL_SECONDS = 600
FEWEST_ENVIRONMENTS = 10
CALLS_A_SECOND: dict[str, Callable[[int], float]] = {
    "Start": lambda viewers: viewers / ARRIVAL_SECONDS,
    "Progress": lambda viewers: viewers / REPORT_SECONDS,
    "Get": lambda viewers: 2 * viewers / ARRIVAL_SECONDS,
    "Stop": lambda viewers: viewers / ARRIVAL_SECONDS,
}
PLANNED_SECONDS = {"Start": 0.5, "Progress": 0.1, "Get": 0.1, "Stop": 0.1}


def environments(function: str, viewers: int) -> int:
    """Return the environments that a function needs, with headroom; at least ten."""
    busy = HEADROOM * CALLS_A_SECOND[function](viewers) * PLANNED_SECONDS[function]
    return max(FEWEST_ENVIRONMENTS, math.ceil(round(busy, 6)))


def wanted(viewers: int) -> dict[str, int]:
    """Return a size by the formulas."""
    reserves = viewers > SIZES[0]
    return {
        "Rate": round(HEADROOM * viewers / REPORT_SECONDS),
        "Burst": round(2 * HEADROOM * viewers / REPORT_SECONDS),
        **{name: environments(name, viewers) if reserves else 0 for name in CALLS_A_SECOND},
        "Requests": round(0.8 * viewers * 60 / REPORT_SECONDS),
        "Failures": max(10, viewers // 500),
    }


def nested(stack: Stack, alarm: str) -> Json:
    """Return the properties of an alarm of a nested stack."""
    (found,) = (each.resources[alarm] for each in stack.nested if alarm in each.resources)
    properties: Json = found["Properties"]
    return properties


@pytest.mark.parametrize("viewers", SIZES)
def test_sizes_follow_from_the_formulas(viewers: int) -> None:
    """Each size has the figures that the documented formulas give."""
    assert source()["Mappings"]["Sizes"][str(viewers)] == wanted(viewers)


@pytest.mark.parametrize("viewers", SIZES)
def test_rendered_template_has_the_size(viewers: int) -> None:
    """Throttling, reservations and alarms of the resolved template are those of the size."""
    stack, size = Stack({"ExpectedViewers": str(viewers)}), wanted(viewers)
    (stage,) = stack.of_type("AWS::ApiGatewayV2::Stage").values()
    routes = stage["DefaultRouteSettings"]
    assert int(routes["ThrottlingRateLimit"]) == size["Rate"]
    assert int(routes["ThrottlingBurstLimit"]) == size["Burst"]
    reserved = {
        name.removesuffix("Function"): int(function["ReservedConcurrentExecutions"])
        for name, function in stack.of_type("AWS::Lambda::Function").items()
        if "ReservedConcurrentExecutions" in function
    }
    assert reserved == {name: size[name] for name in CALLS_A_SECOND if size[name]}
    assert int(nested(stack, "ExpectedViewersAlarm")["Threshold"]) == size["Requests"]
    assert int(nested(stack, "DependencyFailuresAlarm")["Threshold"]) == size["Failures"]


@pytest.mark.parametrize("viewers", SIZES)
def test_the_documented_size(viewers: int) -> None:
    """docs/deploy.md shows each size with its sum of environments, which are connections."""
    size = wanted(viewers)
    total = sum(size[name] for name in CALLS_A_SECOND)
    shown = [size["Rate"], *(size[name] for name in CALLS_A_SECOND), total, size["Requests"]]
    row = [f"{viewers:,}", *(f"{each:,}" if each else "unlimited" for each in shown)]
    assert f"| {' | '.join(row)} |" in (ROOT / "docs/deploy.md").read_text("utf-8")


def test_quotas_are_reached_where_documented() -> None:
    """docs/deploy.md names the number of viewers at which each default quota is reached."""
    text = (ROOT / "docs/deploy.md").read_text("utf-8")
    environments_a_viewer = sum(
        HEADROOM * CALLS_A_SECOND[name](1) * PLANNED_SECONDS[name] for name in CALLS_A_SECOND
    )
    calls_a_viewer = HEADROOM * sum(each(1) for each in CALLS_A_SECOND.values())
    reached = {
        "Concurrent executions": (1000 - 100) / environments_a_viewer,
        "Requests per second": 10_000 / calls_a_viewer,
        "Connections of one Aurora instance": (5000 - 2) / environments_a_viewer,
    }
    for quota, viewers in reached.items():
        (row,) = re.findall(rf"^\| {quota}.*$", text, re.MULTILINE)
        assert f"{round(viewers) // 100 * 100:,} viewers" in row, quota


def test_database_capacity_is_that_of_the_cost_model() -> None:
    """docs/deploy.md gives Aurora's units for two numbers of viewers, as the cost model does."""
    text = (ROOT / "docs/deploy.md").read_text("utf-8")
    for viewers, units in ((20_000, 16), (320_000, 256)):
        busy = viewers / REPORT_SECONDS * 0.001
        assert busy / model.PROCESSORS_A_UNIT / model.BUSY == units
        assert f"{viewers:,} viewers" in text
    data_plane = source("infrastructure/data-plane.yaml")["Parameters"]
    assert data_plane["MaxDatabaseCapacity"]["Default"] == 16
