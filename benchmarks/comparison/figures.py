"""Converts measurements to figures: plain data that is saved, judged and reported."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, TypeVar

from benchmarks.comparison import cold, costs, warm
from benchmarks.comparison.services import FASTAPI, OURS
from benchmarks.percentiles import percentile

MILLI = 1e6

Figures = dict[str, Any]

Value = TypeVar("Value")

_RESAMPLES = 200


def of_warm(measured: warm.Measured) -> Figures:
    """Return percentiles and processor milliseconds, and the ratios to the peer's with their error.

    A ratio of medians, or of processor time, is the median of the rounds' ratios: both services
    have the same conditions in a round. Other percentiles need all calls.
    """
    services = {
        service: {call: _call(samples) for call, samples in calls.items()}
        for service, calls in measured.items()
    }
    ours, theirs = measured[OURS.name], measured[FASTAPI.name]
    ratios = {call: _ratios(ours[call], theirs[call]) for call in ours}
    return {"services": services, "ratios": ratios}


def of_cold(measured: cold.Cold) -> Figures:
    """Return the median milliseconds to the first answer, and the ratios to the peer's."""
    return {
        "services": {
            service: {name: 1000 * statistics.median(each) for name, each in functions.items()}
            for service, functions in measured.items()
        },
        "ratios": {
            name: _estimate(cold.ratios(measured, name), statistics.median)
            for name in cold.FUNCTIONS
        },
    }


def of_costs(measured: costs.Costs) -> Figures:
    """Return round trips, bytes of write-ahead log and HOT shares."""
    return {
        service: {name: costs.summary(each) for name, each in calls.items()}
        for service, calls in measured.items()
    }


def _call(samples: warm.Samples) -> Mapping[str, float]:
    calls = _all(samples.rounds)
    return {
        "p50_ms": percentile(calls, 50) / MILLI,
        "p99_ms": percentile(calls, 99) / MILLI,
        "processor_ms": statistics.median(samples.processor) / MILLI,
        "calls": len(calls),
    }


def _ratios(ours: warm.Samples, theirs: warm.Samples) -> Mapping[str, Figures]:
    rounds = list(zip(ours.rounds, theirs.rounds, strict=True))
    medians = [statistics.median(one) / statistics.median(other) for one, other in rounds]
    processor = [one / other for one, other in zip(ours.processor, theirs.processor, strict=True)]
    return {
        "p50": _estimate(medians, statistics.median),
        "p99": _estimate(rounds, _ratio_of_p99),
        "processor": _estimate(processor, statistics.median),
    }


def _ratio_of_p99(rounds: Sequence[tuple[Sequence[int], Sequence[int]]]) -> float:
    ours, theirs = zip(*rounds, strict=True)
    return percentile(_all(ours), 99) / percentile(_all(theirs), 99)


def _estimate(rounds: Sequence[Value], of: Callable[[Sequence[Value]], float]) -> Figures:
    """Return a ratio and its standard error, by resampling the rounds."""
    random = Random(0)
    resampled = [of(random.choices(rounds, k=len(rounds))) for _ in range(_RESAMPLES)]
    return {"ratio": of(rounds), "error": statistics.pstdev(resampled)}


def _all(rounds: Sequence[Sequence[int]]) -> list[int]:
    return [each for calls in rounds for each in calls]
