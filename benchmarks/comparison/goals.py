"""The goals of the service, and whether the figures meet them.

A figure of time is a ratio to the peer's, FastAPI on Lambda, measured side by side. It may exceed
its goal by twice its standard error in this run, but by no more than a small share of the goal, so
that a noisy run does not meet goals by its noise. Counts have no tolerance.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.comparison.figures import Figures
from benchmarks.comparison.services import OURS
from tests.support.call_costs import COUNTED

# The most round trips of a warm call to PostgreSQL, Redis and Kafka.
TRIPS = {
    "start": (2, 2, 1),
    "start with a key": (3, 2, 1),
    "progress": (1, 1, 1),
    "get": (0, 1, 0),
    "continue watching": (1, 0, 0),
    "stop": (2, 1, 1),
}
MOST_WAL_BYTES = {"progress": 450}
LEAST_HOT_SHARE = {"progress": 0.95}

# Ratios to the peer: start, progress, get, stop.
WARM_P50 = {"start": 0.45, "progress": 0.60, "get": 0.25, "stop": 0.45}
DELAYED_P50 = {"start": 0.45, "progress": 0.40, "get": 0.30, "stop": 0.35}
P99 = {"start": 1.0, "progress": 1.0, "get": 1.0, "stop": 1.0}
PROCESSOR = {"start": 0.60, "progress": 0.70, "get": 0.40, "stop": 0.60}
COLD = {"authorizer": 0.35, "start": 0.35, "progress": 0.35, "get": 0.35, "stop": 0.35}

# The greatest tolerances, as shares of the goal.
MOST_TOLERANCE = {"p50": 0.05, "p99": 0.15, "processor": 0.05, "cold": 0.05}
_ERRORS = 2


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit of one figure, and by how much the figure may exceed it.

    ``is_least`` means that the figure must not be less.
    """

    group: str
    name: str
    limit: float
    figure: float
    tolerance: float = 0.0
    is_least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the figure meets the limit."""
        if self.is_least:
            return self.figure >= self.limit
        return self.figure <= self.limit + self.tolerance


def judge(figures: Figures) -> Iterator[Goal]:
    """Yield the goals of all figures that were measured."""
    if "costs" in figures:
        yield from _of_costs(figures["costs"][OURS.name])
    if "warm" in figures:
        yield from _of_time("handler p50, of the peer's", "p50", WARM_P50, figures["warm"])
        yield from _of_time("handler p99, of the peer's", "p99", P99, figures["warm"])
        yield from _of_time("processor, of the peer's", "processor", PROCESSOR, figures["warm"])
    if "delayed" in figures:
        title = "p50 with 0.5 ms more a trip, of the peer's"
        yield from _of_time(title, "p50", DELAYED_P50, figures["delayed"])
    if "cold" in figures:
        ratios = figures["cold"]["ratios"]
        for name, limit in COLD.items():
            title = "first answer of a process, of the peer's"
            yield _of_ratio(title, name, limit, ratios[name], "cold")


def _of_costs(costs: Mapping[str, Figures]) -> Iterator[Goal]:
    titles = {"postgres": "PostgreSQL", "redis": "Redis", "kafka": "Kafka"}
    for position, server in enumerate(COUNTED):
        for call, limits in TRIPS.items():
            title = f"round trips to {titles[server]}"
            yield Goal(title, call, limits[position], costs[call][server])
    for call, most in MOST_WAL_BYTES.items():
        yield Goal("bytes of write-ahead log", call, most, costs[call]["wal_bytes"])
    for call, least in LEAST_HOT_SHARE.items():
        share = costs[call]["hot_share"] or 0.0
        yield Goal("share of HOT updates", call, least, share, is_least=True)


def _of_time(
    title: str, kind: str, limits: Mapping[str, float], figures: Figures
) -> Iterator[Goal]:
    for call, limit in limits.items():
        yield _of_ratio(title, call, limit, figures["ratios"][call][kind], kind)


def _of_ratio(title: str, name: str, limit: float, estimate: Figures, kind: str) -> Goal:
    tolerance = min(_ERRORS * estimate["error"], MOST_TOLERANCE[kind] * limit)
    return Goal(title, name, limit, estimate["ratio"], tolerance)
