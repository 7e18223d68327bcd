"""Reports what was watched."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from streaming.domain.errors import AnalyticsDisabled, InvalidRequest
from streaming.domain.reports import (
    STEP_SECONDS,
    Concurrency,
    Days,
    Figures,
    FilmReport,
    Ranking,
    Sort,
    Step,
    Summary,
)
from streaming.domain.viewing import ALL_FILMS
from streaming.repository.analytics.reports import ViewingReports


class ReportViewing:
    """Reports what was watched; every method raises ``DatabaseUnavailable``.

    Every method raises ``AnalyticsDisabled`` unless ``is_enabled``: nothing is counted then, and
    zeros would say that nothing is watched.
    """

    def __init__(self, reports: ViewingReports, *, is_enabled: bool) -> None:
        self._reports = reports
        self._is_enabled = is_enabled

    def overview(self, days: Days) -> Summary:
        """Report all films."""
        self._require()
        return _with_each_day(self._reports.summary(ALL_FILMS, days))

    def ranking(
        self, days: Days, sort: Sort, *, descending: bool, limit: int, offset: int
    ) -> Ranking:
        """Report films in the order of a figure, ``limit`` films from ``offset`` on."""
        self._require()
        return self._reports.ranking(days, sort, descending=descending, limit=limit, offset=offset)

    def film(self, movie_id: UUID, days: Days) -> FilmReport:
        """Report one film; one that nobody has watched has zeros. Raises ``InvalidRequest``."""
        self._require()
        _require_film(movie_id)
        report = self._reports.film(movie_id, days)
        return replace(report, summary=_with_each_day(report.summary))

    def concurrency(
        self, movie_id: UUID | None, days: Days, step: Step, now: datetime
    ) -> Concurrency:
        """Report who watched at the same time; steps after ``now`` are left out.

        Without ``movie_id`` it is about all films. Raises ``InvalidRequest``.
        """
        self._require()
        _require_film(movie_id)
        first = datetime.combine(days.first, time(), UTC)
        end = min(datetime.combine(days.last, time(), UTC) + timedelta(days=1), now)
        kept_since, found = self._reports.concurrency(movie_id or ALL_FILMS, first, end, step)
        known = {at: viewers for at, viewers, _ in found}
        seconds = STEP_SECONDS[step]
        steps = max(0, -int((first - end).total_seconds() // seconds))
        times = (first + timedelta(seconds=seconds * number) for number in range(steps))
        peak = max(found, key=lambda each: (each[1], -each[0].timestamp()), default=None)
        return Concurrency(
            days=days,
            movie_id=movie_id,
            step=step,
            kept_since=kept_since,
            peak=peak[1] if peak else 0,
            peak_at=peak[2] if peak else None,
            points=[(at, known.get(at, 0)) for at in times],
        )

    def _require(self) -> None:
        if not self._is_enabled:
            raise AnalyticsDisabled("EnableAnalytics is false, so nothing is counted")


def _with_each_day(summary: Summary) -> Summary:
    """Return ``summary`` with zeros for the days that have no figures."""
    days, known = summary.days, dict(summary.by_day)
    each_day = (days.first + timedelta(days=number) for number in range(days.count))
    return replace(summary, by_day=[(day, known.get(day, Figures())) for day in each_day])


def _require_film(movie_id: UUID | None) -> None:
    if movie_id == ALL_FILMS:
        raise InvalidRequest("movie_id is no film's")
