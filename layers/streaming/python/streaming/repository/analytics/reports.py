"""Reports what was watched, from the figures."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from streaming.domain.reports import (
    STEP_SECONDS,
    Breakdown,
    Curve,
    Days,
    Figures,
    FilmReport,
    Ranking,
    Sort,
    Step,
    Summary,
)
from streaming.domain.viewing import ALL_FILMS, HUNDREDTHS
from streaming.repository.analytics import figures
from streaming.repository.database import Database
from streaming.repository.pipeline_connection import Row, Statement

# The statements of a report see the same batches: its figures agree with each other.
_SNAPSHOT = Statement("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", {})


class ViewingReports:
    """Reads the figures. Each method raises ``DatabaseUnavailable``.

    It takes one round trip, and another one for a page after the last film.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def summary(self, movie_id: UUID, days: Days) -> Summary:
        """Return the figures of a range; ``by_day`` has only the days that have figures."""
        return _summary(days, self._read(*_of_summary(movie_id, days)))

    def film(self, movie_id: UUID, days: Days) -> FilmReport:
        """Return the summary of a film, its retention curve, and its present duration."""
        *parts, counted, found = self._read(
            *_of_summary(movie_id, days),
            Statement(
                figures.CURVE, {"movie_id": movie_id, "first": days.first, "last": days.last}
            ),
            Statement(figures.DURATION, {"movie_id": movie_id}),
        )
        summary = _summary(days, parts)
        curve = Curve(
            summary.total.measured_viewer_days,
            [row["viewers"] for row in counted] or [0] * HUNDREDTHS,
            [row["plays"] for row in counted] or [0] * HUNDREDTHS,
        )
        return FilmReport(movie_id, found[0]["duration_seconds"] if found else None, summary, curve)

    def ranking(
        self, days: Days, sort: Sort, *, descending: bool, limit: int, offset: int
    ) -> Ranking:
        """Return ``limit`` films from ``offset`` on, in the order of a figure."""
        sql = figures.in_order(sort, descending=descending)
        given = {"first": days.first, "last": days.last}
        (total,), page = self._read(
            Statement(figures.TOTAL, {"movie_id": ALL_FILMS, **given}),
            Statement(sql, {"limit": limit, "offset": offset, **given}),
        )
        # A page after the last film has no row that says how many films there are.
        is_after_last = offset and not page
        counted = self._database.query(sql, limit=1, offset=0, **given) if is_after_last else page
        films = [(row["movie_id"], _figures(row)) for row in page]
        return Ranking(days, _figures(total), counted[0]["count"] if counted else 0, offset, films)

    def concurrency(
        self, movie_id: UUID, first: datetime, end: datetime, step: Step
    ) -> tuple[date, list[tuple[datetime, int, datetime]]]:
        """Return since when minutes are kept, and the peak of each step and its minute."""
        range_of = {"movie_id": movie_id, "first": first, "end": end}
        (state,), rows = self._read(
            Statement(figures.STATE, {}),
            Statement(figures.MINUTES, {**range_of, "seconds": STEP_SECONDS[step]}),
        )
        return state["first_month"], [(r["at"], r["viewers"], r["minute"]) for r in rows]

    def _read(self, *statements: Statement) -> list[list[Row]]:
        return self._database.pipeline(_SNAPSHOT, *statements)[1:]


def _of_summary(movie_id: UUID, days: Days) -> list[Statement]:
    given = {"movie_id": movie_id, "first": days.first, "last": days.last}
    always = {"movie_id": movie_id, "first": date(2000, 1, 1), "last": date(9999, 1, 1)}
    return [
        Statement(figures.TOTAL, given),
        Statement(figures.TOTAL, always),
        Statement(figures.BY_DAY, given),
        Statement(figures.BREAKDOWN, given),
    ]


def _summary(days: Days, rows: Sequence[list[Row]]) -> Summary:
    (total,), (all_time,), by_day, parts = rows
    return Summary(
        days,
        total=_figures(total),
        by_day=[(row["day"], _figures(row)) for row in by_day],
        breakdown=_breakdown(parts),
        all_time=_figures(all_time),
    )


_NAMES = tuple(Figures.__dataclass_fields__)


def _figures(row: Row) -> Figures:
    return Figures(**{name: row.get(name) or 0 for name in _NAMES})


def _breakdown(rows: Sequence[Row]) -> Breakdown:
    parts: dict[str, dict[str, int]] = {"device": {}, "manifest_type": {}}
    for row in rows:
        parts[row["dimension"]][row["value"]] = row["sessions"]
    return Breakdown(parts["device"], parts["manifest_type"])
