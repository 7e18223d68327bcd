"""Converts measurements to figures: plain data that is saved, judged and reported."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.comparison import cold, costs, warm
from benchmarks.comparison.services import FASTAPI, OURS

MILLI = 1e6

Figures = dict[str, Any]


def of_warm(measured: warm.Measured) -> Figures:
    """Return percentiles and processor milliseconds, and the ratios to the peer's.

    A ratio of medians, or of processor time, is the median of the rounds' ratios: both services
    have the same conditions in a round. Percentiles other than the median need all calls.
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
        "ratios": {name: cold.ratio(measured, name) for name in cold.FUNCTIONS},
    }


def of_costs(measured: costs.Costs) -> Figures:
    """Return round trips, bytes of write-ahead log and HOT shares."""
    return {
        service: {name: costs.summary(each) for name, each in calls.items()}
        for service, calls in measured.items()
    }


def percentile(values: Iterable[float], share: float) -> float:
    """Return the least value that is not less than this share of the values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _call(samples: warm.Samples) -> Mapping[str, float]:
    calls = _all(samples.rounds)
    return {
        "p50_ms": percentile(calls, 0.5) / MILLI,
        "p99_ms": percentile(calls, 0.99) / MILLI,
        "processor_ms": statistics.median(samples.processor) / MILLI,
        "calls": len(calls),
    }


def _ratios(ours: warm.Samples, theirs: warm.Samples) -> Mapping[str, float]:
    medians = [
        statistics.median(one) / statistics.median(other)
        for one, other in zip(ours.rounds, theirs.rounds, strict=True)
    ]
    processor = [one / other for one, other in zip(ours.processor, theirs.processor, strict=True)]
    p99 = percentile(_all(ours.rounds), 0.99) / percentile(_all(theirs.rounds), 0.99)
    return {
        "p50": statistics.median(medians),
        "p99": p99,
        "processor": statistics.median(processor),
    }


def _all(rounds: Sequence[Sequence[int]]) -> list[int]:
    return [each for calls in rounds for each in calls]
