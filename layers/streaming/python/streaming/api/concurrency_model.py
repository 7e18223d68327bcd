"""The body of the report of concurrent viewers."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self
from uuid import UUID

from streaming.api.response_models import DOCUMENTED
from streaming.domain.reports import Concurrency


@dataclass(frozen=True, slots=True)
class ConcurrentViewers:
    """The viewers at the beginning of a minute, the greatest number within a step."""

    __pydantic_config__ = DOCUMENTED

    at: datetime
    """The beginning of the step."""
    viewers: int
    """The viewers."""


@dataclass(frozen=True, slots=True)
class ConcurrencyReport:
    """Who watched at the same time. The numbers of the last half minute are not complete."""

    __pydantic_config__ = DOCUMENTED

    first_day: date
    """The first day, in UTC."""
    last_day: date
    """The last day, in UTC."""
    movie_id: UUID | None
    """The film; null if the report is about all films."""
    step: str
    """`minute`, `hour` or `day`."""
    kept_since: date
    """Earlier minutes are deleted, and appear as 0."""
    peak: ConcurrentViewers | None
    """The minute with the most viewers; null if there are none."""
    points: list[ConcurrentViewers]
    """Each step up to now, also those without viewers."""

    @classmethod
    def of(cls, report: Concurrency) -> Self:
        """Return the response."""
        return cls(
            first_day=report.days.first,
            last_day=report.days.last,
            movie_id=report.movie_id,
            step=report.step,
            kept_since=report.kept_since,
            peak=ConcurrentViewers(report.peak_at, report.peak) if report.peak_at else None,
            points=[ConcurrentViewers(at, viewers) for at, viewers in report.points],
        )
