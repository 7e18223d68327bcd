"""The figures in PostgreSQL, in the form in which ``viewing_figures`` computes them."""

from typing import Any

from streaming.domain.viewing import ALL_FILMS
from streaming.repository.database import Database

_DAYS = """
    SELECT CAST(movie_id AS text), CAST(day AS text), figure.name, figure.value
    FROM analytics_days
    CROSS JOIN LATERAL (
        VALUES ('sessions', sessions), ('abandoned_sessions', abandoned_sessions),
            ('views', views), ('viewer_days', viewer_days),
            ('measured_viewer_days', measured_viewer_days), ('completions', completions),
            ('seen_hundredths', seen_hundredths), ('watched_ms', watched_ms)
    ) AS figure (name, value)
    WHERE figure.value <> 0
"""

_CURVES = """
    SELECT CAST(movie_id AS text), CAST(day AS text), number - 1 AS number, viewer, play
    FROM analytics_curves
    CROSS JOIN LATERAL unnest(viewers, plays) WITH ORDINALITY AS hundredth (viewer, play, number)
    WHERE viewer <> 0 OR play <> 0
"""

_BREAKDOWN = f"""
    SELECT CAST(movie_id AS text), CAST(day AS text), dimension, value, sessions
    FROM analytics_breakdown
    WHERE sessions <> 0 AND movie_id <> '{ALL_FILMS}'
"""

_MINUTES = f"""
    SELECT CAST(movie_id AS text), CAST(extract(epoch FROM minute) * 1000 AS bigint) AS minute,
        viewers
    FROM analytics_minutes
    WHERE viewers <> 0 AND movie_id <> '{ALL_FILMS}'
"""

_UNIQUES = """
    SELECT CAST(movie_id AS text), CAST(sum(viewers) AS bigint) AS viewers
    FROM analytics_returns
    WHERE day BETWEEN CAST(:first AS date) AND CAST(:last AS date)
        AND previous_day < CAST(:first AS date)
    GROUP BY movie_id
    HAVING sum(viewers) <> 0
"""


class Tables:
    """All figures in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _read(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        rows = self._database.run(lambda transaction: transaction.rows(statement, **values))
        return sorted(tuple(row.values()) for row in rows)

    def days(self) -> list[tuple[Any, ...]]:
        """Return the film, the day, the name of a figure and its value, without zeros."""
        return self._read(_DAYS)

    def curves(self) -> list[tuple[Any, ...]]:
        """Return the film, the day, a hundredth, its viewers and its plays, without zeros."""
        return self._read(_CURVES)

    def breakdown(self) -> list[tuple[Any, ...]]:
        """Return the film, the day, a dimension, a value and its sessions."""
        return self._read(_BREAKDOWN)

    def minutes(self) -> list[tuple[Any, ...]]:
        """Return the film, a minute in Unix milliseconds, and who watched at that instant."""
        return self._read(_MINUTES)

    def uniques(self, first: str, last: str) -> list[tuple[Any, ...]]:
        """Return the film and its unique viewers from one day to another."""
        return self._read(_UNIQUES, first=first, last=last)
