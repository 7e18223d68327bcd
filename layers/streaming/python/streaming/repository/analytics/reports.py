"""Reads the figures of what was watched. No statement reads rows of sessions or of users."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from streaming.domain.reports import (
    STEP_SECONDS,
    Breakdown,
    Curve,
    Days,
    Figures,
    Ranking,
    Sort,
    Step,
    Summary,
)
from streaming.domain.viewing import ALL_FILMS, HUNDREDTHS
from streaming.repository.database import Database
from streaming.repository.transaction import Row, Transaction

_SUMS = """
    CAST(sum(sessions) AS bigint) AS sessions,
    CAST(sum(abandoned_sessions) AS bigint) AS abandoned_sessions,
    CAST(sum(views) AS bigint) AS views,
    CAST(sum(viewer_days) AS bigint) AS viewer_days,
    CAST(sum(measured_viewer_days) AS bigint) AS measured_viewer_days,
    CAST(sum(seen_hundredths) AS bigint) AS seen_hundredths,
    CAST(sum(completions) AS bigint) AS completions,
    CAST(sum(watched_ms) AS bigint) AS watched_ms
"""

TOTAL = f"""
    SELECT {_SUMS},
        (
            SELECT CAST(coalesce(sum(viewers), 0) AS bigint) FROM analytics_returns
            WHERE movie_id = :movie_id AND day BETWEEN :first AND :last AND previous_day < :first
        ) AS unique_viewers
    FROM analytics_days
    WHERE movie_id = :movie_id AND day BETWEEN :first AND :last
"""  # noqa: S608

BY_DAY = """
    SELECT figures.day, sessions, abandoned_sessions, views, viewer_days, measured_viewer_days,
        seen_hundredths, completions, watched_ms, coalesce(unique_viewers, 0) AS unique_viewers
    FROM analytics_days AS figures
    LEFT JOIN (
        SELECT day, CAST(sum(viewers) AS bigint) AS unique_viewers
        FROM analytics_returns
        WHERE movie_id = :movie_id AND day BETWEEN :first AND :last
        GROUP BY day
    ) AS viewed ON viewed.day = figures.day
    WHERE figures.movie_id = :movie_id AND figures.day BETWEEN :first AND :last
"""

BREAKDOWN = """
    SELECT dimension, value, CAST(sum(sessions) AS bigint) AS sessions
    FROM analytics_breakdown
    WHERE movie_id = :movie_id AND day BETWEEN :first AND :last
    GROUP BY dimension, value
    HAVING sum(sessions) <> 0
    ORDER BY dimension, sum(sessions) DESC, value
"""

CURVE = """
    SELECT CAST(sum(counted.viewers) AS bigint) AS viewers,
        CAST(sum(counted.plays) AS bigint) AS plays
    FROM analytics_curves AS curve
    CROSS JOIN LATERAL unnest(curve.viewers, curve.plays) WITH ORDINALITY
        AS counted (viewers, plays, number)
    WHERE curve.movie_id = :movie_id AND curve.day BETWEEN :first AND :last
    GROUP BY counted.number
    ORDER BY counted.number
"""

DURATION = "SELECT duration_seconds FROM films WHERE movie_id = :movie_id"

_SORTS: Mapping[Sort, str] = {
    "views": "views",
    "unique_viewers": "unique_viewers",
    "sessions": "sessions",
    "abandoned_sessions": "abandoned_sessions",
    "completions": "completions",
    "completion_rate": "completions / greatest(viewer_days, 1.0)",
    "watch_time_ms": "watched_ms",
    "average_percentage_watched": "seen_hundredths / greatest(measured_viewer_days, 1.0)",
}

RANKING = f"""
    SELECT figures.*, coalesce(viewed.unique_viewers, 0) AS unique_viewers,
        count(*) OVER () AS count
    FROM (
        SELECT movie_id, {_SUMS}
        FROM analytics_days
        WHERE day BETWEEN :first AND :last AND movie_id <> '{ALL_FILMS}'
        GROUP BY movie_id
        HAVING sum(sessions) > 0 OR sum(views) > 0 OR sum(watched_ms) > 0
    ) AS figures
    LEFT JOIN (
        SELECT movie_id, CAST(sum(viewers) AS bigint) AS unique_viewers
        FROM analytics_returns
        WHERE day BETWEEN :first AND :last AND previous_day < :first
        GROUP BY movie_id
    ) AS viewed ON viewed.movie_id = figures.movie_id
"""  # noqa: S608

MINUTES = """
    SELECT date_bin(make_interval(secs => :seconds), minute, '2000-01-01T00:00:00Z') AS at,
        max(viewers) AS viewers, (array_agg(minute ORDER BY viewers DESC, minute))[1] AS minute
    FROM analytics_minutes
    WHERE movie_id = :movie_id AND minute >= :first AND minute < :end AND viewers > 0
    GROUP BY 1
    ORDER BY 1
"""

_STATE = "SELECT first_month FROM analytics_state"


class ViewingReports:
    """Reads the figures. Each method raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def summary(self, movie_id: UUID, days: Days) -> Summary:
        """Return the figures of a range; ``by_day`` has only the days that have figures."""

        def work(transaction: Transaction) -> Summary:
            given = {"movie_id": movie_id, "first": days.first, "last": days.last}
            always = {"movie_id": movie_id, "first": date(2000, 1, 1), "last": date(9999, 1, 1)}
            by_day = transaction.rows(BY_DAY, **given)
            return Summary(
                days,
                total=_figures(transaction.row(TOTAL, **given) or {}),
                by_day=[(row["day"], _figures(row)) for row in by_day],
                breakdown=_breakdown(transaction.rows(BREAKDOWN, **given)),
                all_time=_figures(transaction.row(TOTAL, **always) or {}),
            )

        return self._database.read(work)

    def curve(self, movie_id: UUID, days: Days, measured: int) -> tuple[Curve, int | None]:
        """Return the retention curve of a range, and the present duration of the film."""

        def work(transaction: Transaction) -> tuple[Curve, int | None]:
            rows = transaction.rows(CURVE, movie_id=movie_id, first=days.first, last=days.last)
            film = transaction.row(DURATION, movie_id=movie_id)
            curve = Curve(
                measured,
                [row["viewers"] for row in rows] or [0] * HUNDREDTHS,
                [row["plays"] for row in rows] or [0] * HUNDREDTHS,
            )
            return curve, film["duration_seconds"] if film else None

        return self._database.read(work)

    def ranking(
        self, days: Days, sort: Sort, *, descending: bool, limit: int, offset: int
    ) -> Ranking:
        """Return ``limit`` films from ``offset`` on, in the order of a figure."""
        order = f"{_SORTS[sort]} {'DESC' if descending else 'ASC'}, figures.movie_id"
        statement = f"{RANKING} ORDER BY {order} LIMIT :limit OFFSET :offset"

        def work(transaction: Transaction) -> Ranking:
            given = {"first": days.first, "last": days.last}
            total = _figures(transaction.row(TOTAL, movie_id=ALL_FILMS, **given) or {})
            rows = transaction.rows(statement, limit=limit, offset=offset, **given)
            # A page after the last film has no row that says how many films there are.
            counted = rows or transaction.rows(statement, limit=1, offset=0, **given)
            films = [(row["movie_id"], _figures(row)) for row in rows]
            return Ranking(days, total, counted[0]["count"] if counted else 0, offset, films)

        return self._database.read(work)

    def concurrency(
        self, movie_id: UUID, first: datetime, end: datetime, step: Step
    ) -> tuple[date, list[tuple[datetime, int, datetime]]]:
        """Return since when minutes are kept, and the peak of each step and its minute."""

        def work(transaction: Transaction) -> tuple[date, list[tuple[datetime, int, datetime]]]:
            state = transaction.row(_STATE)
            assert state is not None
            rows = transaction.rows(
                MINUTES, movie_id=movie_id, first=first, end=end, seconds=STEP_SECONDS[step]
            )
            return state["first_month"], [(r["at"], r["viewers"], r["minute"]) for r in rows]

        return self._database.read(work)


_NAMES = tuple(Figures.__dataclass_fields__)


def _figures(row: Row) -> Figures:
    return Figures(**{name: row.get(name) or 0 for name in _NAMES})


def _breakdown(rows: Sequence[Row]) -> Breakdown:
    parts: dict[str, dict[str, int]] = {"device": {}, "manifest_type": {}}
    for row in rows:
        parts[row["dimension"]][row["value"]] = row["sessions"]
    return Breakdown(parts["device"], parts["manifest_type"])
