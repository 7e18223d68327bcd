"""The figures of docs/analytics.md, computed by DuckDB from all events at once.

It shares no code with the service, and follows the definitions in another way: whole sessions
instead of changes, runs instead of pairs of reports, joins with the days and minutes.
"""

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

_LOAD = """
    CREATE TABLE event AS
    WITH once AS (
        SELECT DISTINCT ON (event_id) * FROM read_json(?, format = 'newline_delimited', columns = {
            event_id: 'VARCHAR', user_id: 'VARCHAR', movie_id: 'VARCHAR', action: 'VARCHAR',
            timestamp: 'TIMESTAMPTZ', session_id: 'VARCHAR', position_seconds: 'BIGINT',
            reason: 'VARCHAR', age_seconds: 'DOUBLE', manifest_type: 'VARCHAR', device: 'VARCHAR',
            duration_seconds: 'BIGINT'
        })
    ),
    timed AS (
        SELECT *, epoch_ms(timestamp) - CAST(round(coalesce(age_seconds, 0) * 1000) AS BIGINT)
                AS made_ms,
            CAST('0x' || replace(session_id, '-', '')[1:12] AS BIGINT) AS started_ms
        FROM once
    )
    SELECT event_id, user_id, movie_id, action, reason, manifest_type, device, duration_seconds,
        position_seconds AS place, greatest(made_ms, coalesce(started_ms, 0)) AS happened,
        DATE '1970-01-01' + CAST(coalesce(started_ms, made_ms) // 86400000 AS INTEGER) AS day,
        coalesce(session_id, user_id || movie_id || CAST(made_ms // 86400000 AS VARCHAR))
            AS session
    FROM timed
"""

_SESSIONS = """
    CREATE TABLE step AS
    WITH known AS (
        SELECT *, max(duration_seconds) OVER (PARTITION BY session) AS duration,
            lag(happened) OVER events AS before, lag(place) OVER events AS position_before,
            lag(action) OVER events AS action_before
        FROM event
        WINDOW events AS (PARTITION BY session ORDER BY happened, event_id)
    )
    SELECT *, least(happened - before, 30000) AS gap,
        CASE
            WHEN before IS NULL OR action_before = 'stream_stop' THEN 0
            WHEN place IS NOT NULL AND position_before IS NOT NULL
                AND place = position_before THEN 0
            ELSE least(happened - before, 30000)
        END AS watched
    FROM known;

    CREATE TABLE session AS
    SELECT session, any_value(user_id) AS user_id, any_value(movie_id) AS movie_id,
        any_value(day) AS day, min(happened) AS first_at, max(happened) AS last_at,
        sum(watched) AS watched,
        max(duration) AS duration, max(place) AS furthest, max(manifest_type) AS manifest_type,
        max(device) AS device, bool_or(action = 'stream_start') AS is_started,
        coalesce(max(happened) FILTER (WHERE reason = 'abandoned')
            >= max(happened) FILTER (WHERE action <> 'stream_stop'), false) AS is_abandoned
    FROM step
    GROUP BY session;

    CREATE TABLE view AS
    WITH long AS (
        SELECT *, max(last_at) OVER (
            PARTITION BY user_id, movie_id, day ORDER BY first_at, session
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS earlier
        FROM session
        WHERE watched >= 30000
    )
    SELECT * FROM long WHERE earlier IS NULL OR first_at - earlier > 1800000;

    CREATE TABLE run AS
    WITH positioned AS (
        SELECT *, coalesce(
                place >= position_before
                    AND (place - position_before) * 1000 <= 2 * gap + 2000, false
            ) AS continues
        FROM step
        WHERE place IS NOT NULL AND duration IS NOT NULL
    ),
    numbered AS (
        SELECT *, sum(CASE WHEN continues THEN 0 ELSE 1 END) OVER (
            PARTITION BY session ORDER BY happened, event_id ROWS UNBOUNDED PRECEDING
        ) AS number
        FROM positioned
    ),
    bounds AS (
        SELECT session, number, any_value(duration) AS duration, max(place) AS last_position,
            min(CASE
                WHEN NOT continues AND position_before IS NULL AND action_before = 'stream_start'
                    THEN greatest(0, place - gap // 1000)
                ELSE place
            END) AS first_position
        FROM numbered
        GROUP BY session, number
    )
    SELECT session, least(99, first_position * 100 // duration) AS first_hundredth,
        least(99, last_position * 100 // duration) AS last_hundredth
    FROM bounds;

    CREATE TABLE viewer_day AS
    SELECT session.movie_id, session.day, session.user_id,
        bool_or(session.furthest >= 0.9 * session.duration) AS is_completed,
        count(session.duration) > 0 AS is_measured
    FROM session
    JOIN (SELECT DISTINCT movie_id, day, user_id FROM view) USING (movie_id, day, user_id)
    GROUP BY ALL;

    CREATE TABLE hundredth AS
    SELECT viewer_day.movie_id, viewer_day.day, viewer_day.user_id, number, count(*) AS plays
    FROM viewer_day
    JOIN session USING (movie_id, day, user_id)
    JOIN run USING (session)
    JOIN range(100) AS numbers (number)
        ON number BETWEEN run.first_hundredth AND run.last_hundredth
    GROUP BY ALL
"""

_DAYS = """
    WITH figure AS (
        SELECT movie_id, day, 'sessions' AS name, count(*) AS value
        FROM session WHERE is_started GROUP BY ALL
        UNION ALL
        SELECT movie_id, day, 'abandoned_sessions', count(*)
        FROM session WHERE is_abandoned GROUP BY ALL
        UNION ALL
        SELECT movie_id, day, 'views', count(*) FROM view GROUP BY ALL
        UNION ALL
        SELECT movie_id, day, 'viewer_days', count(*) FROM viewer_day GROUP BY ALL
        UNION ALL
        SELECT movie_id, day, 'measured_viewer_days', count(*)
        FROM viewer_day WHERE is_measured GROUP BY ALL
        UNION ALL
        SELECT movie_id, day, 'completions', count(*)
        FROM viewer_day WHERE is_completed GROUP BY ALL
        UNION ALL
        SELECT movie_id, day, 'seen_hundredths', count(*) FROM hundredth GROUP BY ALL
        UNION ALL
        SELECT step.movie_id, DATE '1970-01-01' + CAST(days.number AS INTEGER), 'watched_ms',
            sum(least(happened, (days.number + 1) * 86400000)
                - greatest(happened - watched, days.number * 86400000))
        FROM step
        JOIN (
            SELECT DISTINCT unnest([happened // 86400000, happened // 86400000 - 1]) AS number
            FROM step
        ) AS days
            ON happened > days.number * 86400000
            AND happened - watched < (days.number + 1) * 86400000
        WHERE watched > 0
        GROUP BY ALL
    )
    SELECT movie_id, CAST(day AS VARCHAR), name, CAST(sum(value) AS BIGINT)
    FROM (
        SELECT * FROM figure
        UNION ALL
        SELECT '00000000-0000-0000-0000-000000000000', day, name, value FROM figure
    )
    GROUP BY ALL HAVING sum(value) <> 0 ORDER BY ALL
"""

_CURVES = """
    SELECT movie_id, CAST(day AS VARCHAR), number, count(*), CAST(sum(plays) AS BIGINT)
    FROM hundredth GROUP BY ALL ORDER BY ALL
"""

_BREAKDOWN = """
    SELECT movie_id, CAST(day AS VARCHAR), dimension, value, count(*)
    FROM (
        SELECT movie_id, day, 'manifest_type' AS dimension,
            coalesce(manifest_type, 'unknown') AS value
        FROM session WHERE is_started
        UNION ALL
        SELECT movie_id, day, 'device', coalesce(device, 'unknown') FROM session WHERE is_started
    )
    GROUP BY ALL ORDER BY ALL
"""

_MINUTES = """
    SELECT movie_id, minute, count(*)
    FROM step
    JOIN (SELECT DISTINCT happened // 60000 * 60000 AS minute FROM step) AS minutes
        ON minute > happened - watched AND minute <= happened
    GROUP BY ALL ORDER BY ALL
"""

_UNIQUES = """
    SELECT movie_id, count(DISTINCT user_id)
    FROM (
        SELECT movie_id, user_id, day FROM view
        UNION ALL
        SELECT '00000000-0000-0000-0000-000000000000', user_id, day FROM view
    )
    WHERE day BETWEEN CAST(? AS DATE) AND CAST(? AS DATE)
    GROUP BY ALL ORDER BY ALL
"""


class Figures:
    """All figures of some events."""

    def __init__(self, values: Iterable[Mapping[str, Any]] | Path) -> None:
        """Compute them from values, or from a file of JSON lines, in which repeats are equal."""
        self._db = duckdb.connect()
        self._db.execute("SET TimeZone = 'UTC'")
        with tempfile.TemporaryDirectory() as folder:
            path = values if isinstance(values, Path) else Path(folder, "events.jsonl")
            if not isinstance(values, Path):
                path.write_text("\n".join(json.dumps(value) for value in values))
            self._db.execute(_LOAD, [str(path)])
        self._db.execute(_SESSIONS)

    def days(self) -> list[tuple[Any, ...]]:
        """Return the film, the day, the name of a figure and its value, without zeros."""
        return self._db.execute(_DAYS).fetchall()

    def curves(self) -> list[tuple[Any, ...]]:
        """Return the film, the day, a hundredth, its viewers and its plays, without zeros."""
        return self._db.execute(_CURVES).fetchall()

    def breakdown(self) -> list[tuple[Any, ...]]:
        """Return the film, the day, a dimension, a value and its sessions."""
        return self._db.execute(_BREAKDOWN).fetchall()

    def minutes(self) -> list[tuple[Any, ...]]:
        """Return the film, a minute in Unix milliseconds, and who watched at that instant."""
        return self._db.execute(_MINUTES).fetchall()

    def uniques(self, first: str, last: str) -> list[tuple[Any, ...]]:
        """Return the film and its unique viewers from one day to another."""
        return self._db.execute(_UNIQUES, [first, last]).fetchall()
