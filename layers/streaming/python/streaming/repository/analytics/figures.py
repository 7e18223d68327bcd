"""SQL that reads the figures of what was watched. No statement reads rows of sessions or users."""

from collections.abc import Mapping

from streaming.domain.reports import Sort
from streaming.domain.viewing import ALL_FILMS

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

_FILMS = f"""
    SELECT movie_id, {_SUMS}
    FROM analytics_days
    WHERE day BETWEEN :first AND :last AND movie_id <> '{ALL_FILMS}'
    GROUP BY movie_id
    HAVING sum(sessions) > 0 OR sum(views) > 0 OR sum(watched_ms) > 0
"""  # noqa: S608

# Only the viewers of the films on the page are counted.
_PAGE = f"""
    SELECT page.*, (
            SELECT CAST(coalesce(sum(viewers), 0) AS bigint) FROM analytics_returns AS viewed
            WHERE viewed.movie_id = page.movie_id
                AND day BETWEEN :first AND :last AND previous_day < :first
        ) AS unique_viewers
    FROM (
        SELECT *, count(*) OVER () AS count
        FROM ({_FILMS}) AS films
        ORDER BY {{order}}
        LIMIT :limit OFFSET :offset
    ) AS page
    ORDER BY {{order}}
"""  # noqa: S608

_PAGE_BY_UNIQUE_VIEWERS = f"""
    SELECT films.*, coalesce(viewed.unique_viewers, 0) AS unique_viewers,
        count(*) OVER () AS count
    FROM ({_FILMS}) AS films
    LEFT JOIN (
        SELECT movie_id, CAST(sum(viewers) AS bigint) AS unique_viewers
        FROM analytics_returns
        WHERE day BETWEEN :first AND :last AND previous_day < :first
        GROUP BY movie_id
    ) AS viewed USING (movie_id)
    ORDER BY {{order}}
    LIMIT :limit OFFSET :offset
"""  # noqa: S608

MINUTES = """
    SELECT date_bin(make_interval(secs => :seconds), minute, '2000-01-01T00:00:00Z') AS at,
        max(viewers) AS viewers, (array_agg(minute ORDER BY viewers DESC, minute))[1] AS minute
    FROM analytics_minutes
    WHERE movie_id = :movie_id AND minute >= :first AND minute < :end AND viewers > 0
    GROUP BY 1
    ORDER BY 1
"""

STATE = "SELECT first_month FROM analytics_state"


def in_order(sort: Sort, *, descending: bool) -> str:
    """Return SQL that selects ``:limit`` films from ``:offset`` on, in the order of a figure."""
    page = _PAGE_BY_UNIQUE_VIEWERS if sort == "unique_viewers" else _PAGE
    return page.format(order=f"{_SORTS[sort]} {'DESC' if descending else 'ASC'}, movie_id")
