"""Reports of what was watched. docs/analytics.md defines each figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from streaming.domain.viewing import HUNDREDTHS

LONGEST_RANGE_DAYS = 366

Sort = Literal[
    "views",
    "unique_viewers",
    "sessions",
    "abandoned_sessions",
    "completions",
    "completion_rate",
    "watch_time_ms",
    "average_percentage_watched",
]
Step = Literal["minute", "hour", "day"]

STEP_SECONDS: Mapping[Step, int] = {"minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True, slots=True)
class Days:
    """A range of days in UTC, both included."""

    first: date
    last: date

    @property
    def count(self) -> int:
        """How many days these are."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Figures:
    """What was watched of a film, or of all films, on some days."""

    sessions: int = 0
    abandoned_sessions: int = 0
    views: int = 0
    unique_viewers: int = 0
    viewer_days: int = 0
    measured_viewer_days: int = 0
    seen_hundredths: int = 0
    completions: int = 0
    watched_ms: int = 0

    @property
    def completion_rate(self) -> float:
        """The share of viewers, counted each day, who completed the film; 0 without viewers."""
        return self.completions / self.viewer_days if self.viewer_days else 0.0

    @property
    def average_percentage_watched(self) -> float:
        """The mean percentage of the film that its viewers saw on a day; 0 without viewers."""
        measured = self.measured_viewer_days
        return self.seen_hundredths * 100 / HUNDREDTHS / measured if measured else 0.0


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The number of sessions by device and by manifest type."""

    devices: Mapping[str, int]
    manifest_types: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a film, or of all films: of a range, of each of its days, and of all time."""

    days: Days
    total: Figures
    by_day: Sequence[tuple[date, Figures]]
    breakdown: Breakdown
    all_time: Figures


@dataclass(frozen=True, slots=True)
class Curve:
    """Of each hundredth of a film: how many viewers played it, and how often it was played.

    ``viewers`` counts each viewer of a day once. ``measured`` is the number of those viewers for
    whom the film's duration is known, the whole of which the curve has parts.
    """

    measured: int
    viewers: Sequence[int]
    plays: Sequence[int]


@dataclass(frozen=True, slots=True)
class FilmReport:
    """The report of one film; ``duration_seconds`` is its present duration, if it is known."""

    movie_id: UUID
    duration_seconds: int | None
    summary: Summary
    curve: Curve


@dataclass(frozen=True, slots=True)
class Ranking:
    """Some of the films of a range in order. ``count`` is the number of all."""

    days: Days
    total: Figures
    count: int
    offset: int
    films: Sequence[tuple[UUID, Figures]]


@dataclass(frozen=True, slots=True)
class Concurrency:
    """Who watched at the same time: the greatest number of each step, and of the range.

    ``movie_id`` is None if the report is about all films. Minutes before ``kept_since`` are
    deleted.
    """

    days: Days
    movie_id: UUID | None
    step: Step
    kept_since: date
    peak: int
    peak_at: datetime | None
    points: Sequence[tuple[datetime, int]]
