"""The judgement of figures by goals, and their report."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.comparison import figures, goals, report
from benchmarks.comparison.goals import Goal
from benchmarks.comparison.services import CLASSIC, FASTAPI, OURS
from benchmarks.comparison.warm import CALLS, Samples
from benchmarks.percentiles import percentile
from tests.support.call_costs import COUNTED, Cost
from tests.support.wal import Written

MILLISECOND = 1_000_000


def samples(*rounds: list[int], processor: int = MILLISECOND) -> Samples:
    """Return samples with these nanoseconds, whose calls took this processor time each."""
    return Samples(list(rounds), [float(processor)] * len(rounds))


def cost(trips: int, written: int = 100, hot: int = 1, other: int = 0) -> Cost:
    """Return the cost of a call with this number of round trips to each server."""
    return Cost(dict.fromkeys(COUNTED, trips), Written(written, hot, other))


def measured(ratio: float) -> dict[str, dict[str, Samples]]:
    """Return samples of all services; ours take ``ratio`` of the peers' time."""
    ours = int(ratio * MILLISECOND)
    mine = {call: samples([ours] * 20, [ours] * 20, processor=ours) for call in CALLS}
    theirs = {call: samples([MILLISECOND] * 20, [MILLISECOND] * 20) for call in CALLS}
    return {OURS.name: mine, FASTAPI.name: theirs, CLASSIC.name: theirs}


def all_figures(ratio: float) -> dict[str, Any]:
    """Return figures of a service that takes ``ratio`` of the peers' time."""
    from benchmarks.comparison import costs

    cold = {
        OURS.name: {name: [ratio] for name in goals.COLD},
        FASTAPI.name: {name: [1.0] for name in CALLS},
        CLASSIC.name: {name: [1.0] for name in goals.COLD},
    }
    mine = {name: [cost(0)] for name in (*goals.TRIPS,)}
    peer = {name: [cost(9)] for name in CALLS}
    counted: costs.Costs = {OURS.name: mine, FASTAPI.name: peer, CLASSIC.name: peer}
    return {
        "circumstances": {
            "commit": "abc",
            "changed": False,
            "date": "2026-01-01",
            "python": "3.13",
            "processors": 2,
            "load_average": 0.1,
        },
        "warm": figures.of_warm(measured(ratio)),
        "delayed": figures.of_warm(measured(ratio)),
        "cold": figures.of_cold(cold),
        "costs": figures.of_costs(counted),
    }


def test_ratio_of_medians_compares_rounds() -> None:
    """Load that slows both services in some rounds does not change the ratio."""
    ours = {"get": samples([1, 1, 1], [10, 10, 10], [1, 1, 1])}
    theirs = {"get": samples([2, 2, 2], [20, 20, 20], [2, 2, 2])}

    found = figures.of_warm({OURS.name: ours, FASTAPI.name: theirs})

    assert found["ratios"]["get"]["p50"] == {"ratio": 0.5, "error": 0.0}


@pytest.mark.parametrize(("percent", "expected"), [(0, 1), (50, 50), (99, 99), (100, 100)])
def test_percentile(percent: float, expected: int) -> None:
    """A percentile is one of the values, in whatever order they come."""
    assert percentile(range(100, 0, -1), percent) == expected


def test_tolerance() -> None:
    """A figure may exceed its limit by the tolerance."""
    met = [Goal("group", "call", 0.5, figure, 0.02).is_met for figure in (0.5, 0.52, 0.53)]

    assert met == [True, True, False]


def test_least() -> None:
    """A share that must not be less has no tolerance."""
    met = [Goal("group", "call", 0.95, figure, is_least=True).is_met for figure in (0.95, 0.94)]

    assert met == [True, False]


def test_tolerance_is_limited() -> None:
    """However noisy a run is, a goal is exceeded by no more than a small share of it."""
    noisy = {"get": {"p50": {"ratio": 0.3, "error": 0.2}}}
    every = {call: noisy["get"] | {"p99": noisy["get"]["p50"]} for call in CALLS}
    ratios = {call: each | {"processor": each["p50"]} for call, each in every.items()}

    judged = list(goals.judge({"warm": {"ratios": ratios}}))

    assert max(goal.tolerance / goal.limit for goal in judged) == max(goals.MOST_TOLERANCE.values())


def test_goals_that_are_met() -> None:
    """A service that is fast and writes little meets every goal."""
    judged = list(goals.judge(all_figures(0.1)))

    assert judged
    assert all(goal.is_met for goal in judged)


def test_goals_that_are_missed() -> None:
    """A service as fast as the peers misses each goal of time but that of the 99th percentile."""
    missed = {(goal.group, goal.name) for goal in goals.judge(all_figures(1.0)) if not goal.is_met}

    assert len(missed) == 3 * len(CALLS) + len(goals.COLD)


def test_only_what_was_measured_is_judged() -> None:
    """A part that was not measured has no goals."""
    found = all_figures(0.1)

    judged = list(goals.judge({"cold": found["cold"]}))

    assert len(judged) == len(goals.COLD)


def test_document(tmp_path: Path) -> None:
    """The document has each goal with its verdict, and the figures of all services."""
    found = all_figures(1.0)
    judged = list(goals.judge(found))
    path = tmp_path / "performance.md"

    report.write(found, judged, "other figures", path)

    text = path.read_text("utf-8")
    assert text.count("**fail**") == sum(not goal.is_met for goal in judged)
    assert text.count("| pass |") == sum(goal.is_met for goal in judged)
    assert all(service.title in text for service in (OURS, FASTAPI, CLASSIC))
    assert "other figures" in text
