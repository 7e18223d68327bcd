"""Latencies and errors of the calls of one level."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from benchmarks.percentiles import percentile

PERCENTILES = (50, 95, 99)


class Samples:
    """Collects the result of every call."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, list[float]] = defaultdict(list)
        self.errors: Counter[str] = Counter()

    def add(self, call: str, seconds: float) -> None:
        """Add a successful call."""
        self.milliseconds[call].append(seconds * 1000)

    def fail(self, call: str, reason: str) -> None:
        """Add a failed call."""
        self.errors[f"{call}: {reason}"] += 1

    @property
    def count(self) -> int:
        """The number of successful calls."""
        return sum(map(len, self.milliseconds.values()))

    def summary(self) -> dict[str, Any]:
        """Return count, percentiles and maximum of each call, in milliseconds."""
        return {call: _summary(self.milliseconds[call]) for call in sorted(self.milliseconds)}


def _summary(milliseconds: Sequence[float]) -> dict[str, float]:
    return {
        "count": len(milliseconds),
        **{f"p{each}": round(percentile(milliseconds, each), 1) for each in PERCENTILES},
        "max": round(max(milliseconds), 1),
    }
