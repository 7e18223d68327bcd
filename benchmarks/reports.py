"""How long the reports take with the figures of ten million sessions: ``make bench-reports``.

The figures are those of a year and 1,000 films: 27 sessions of a film each day. A report reads
figures only, so the sessions themselves are left out.
"""

import statistics
import time
from collections.abc import Callable
from datetime import date
from uuid import UUID

from benchmarks.postgres import temporary_database
from streaming.domain.reports import Days
from streaming.domain.viewing import ALL_FILMS
from streaming.repository.analytics.reports import ViewingReports
from streaming.repository.transaction import Transaction

FILM = UUID("00000001-0000-4000-8000-000000000000")
LAST = date(2026, 11, 28)
RANGES = {"28 days": Days(date(2026, 11, 1), LAST), "a year": Days(date(2025, 11, 29), LAST)}
ROUNDS = 9

_DAYS = "(SELECT date '2025-11-29' + number AS day FROM generate_series(0, 364) AS number) AS day"
_FILMS = """
    (
        SELECT CAST(lpad(to_hex(n), 8, '0') || '-0000-4000-8000-000000000000' AS uuid) AS movie_id
        FROM generate_series(1, 1000) AS n
    ) AS film
"""
_PARTS = """
    (
        VALUES ('device', 'tv'), ('device', 'mobile'), ('device', 'desktop'),
            ('manifest_type', 'hls'), ('manifest_type', 'dash')
    ) AS part (dimension, value)
"""
# Rows lie in the order of their days, as in production.
_FIGURES = f"""
    INSERT INTO analytics_days
    SELECT movie_id, day, 27, 2, 25, 24, 24, 1500, 12, 90000000
    FROM {_FILMS} CROSS JOIN {_DAYS} ORDER BY day;
    INSERT INTO analytics_days
    SELECT '{ALL_FILMS}', day, 27000, 2000, 25000, 24000, 24000, 1500000, 12000, 90000000000
    FROM {_DAYS};
    INSERT INTO analytics_returns
    SELECT movie_id, day, CASE WHEN n = 0 THEN date '0001-01-01' ELSE day - n * 7 END, 4
    FROM {_FILMS} CROSS JOIN {_DAYS} CROSS JOIN generate_series(0, 5) AS n ORDER BY day;
    INSERT INTO analytics_returns
    SELECT '{ALL_FILMS}', day, CASE WHEN n = 0 THEN date '0001-01-01' ELSE day - n END, 120
    FROM {_DAYS} CROSS JOIN generate_series(0, 200) AS n;
    INSERT INTO analytics_curves
    SELECT '{FILM}', day, array_fill(CAST(20 AS bigint), ARRAY[100]),
        array_fill(CAST(25 AS bigint), ARRAY[100])
    FROM {_DAYS};
    INSERT INTO analytics_breakdown
    SELECT movie_id, day, dimension, value, 9
    FROM (SELECT CAST('{ALL_FILMS}' AS uuid) AS movie_id UNION ALL SELECT '{FILM}') AS film
    CROSS JOIN {_DAYS} CROSS JOIN {_PARTS};
    ANALYZE analytics_days, analytics_returns, analytics_curves, analytics_breakdown
"""


def main() -> None:
    """Print the median duration of each report, for four weeks and for a year."""
    with temporary_database() as database:

        def fill(transaction: Transaction) -> None:
            transaction.rows("SELECT set_config('statement_timeout', '0', true)")
            transaction.script(_FIGURES)

        database.run(fill)
        reports = ViewingReports(database)
        print("reports with ten million sessions of a year and 1,000 films, median of", ROUNDS)
        for name, days in RANGES.items():
            for what, work in _reports(reports, days).items():
                print(f"  {what}, {name}: {_median_ms(work):.0f} ms")


def _reports(reports: ViewingReports, days: Days) -> dict[str, Callable[[], object]]:
    return {
        "overview": lambda: reports.summary(ALL_FILMS, days),
        "one film": lambda: reports.film(FILM, days),
        "films in order": lambda: reports.ranking(
            days, "views", descending=True, limit=50, offset=0
        ),
        "films in order of viewers": lambda: reports.ranking(
            days, "unique_viewers", descending=True, limit=50, offset=0
        ),
    }


def _median_ms(work: Callable[[], object]) -> float:
    work()
    durations = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        durations.append(time.perf_counter() - began)
    return statistics.median(durations) * 1000


if __name__ == "__main__":
    main()
