"""Adjusts what each viewer did with a film on a day, and the figures that count viewers.

A viewer's day with a film is computed from its sessions. The figures of the film and day are then
adjusted by the difference between what is computed and what was counted before.
"""

import json
from collections.abc import Sequence

from streaming.domain.progress import COMPLETED_AT
from streaming.domain.viewing import SITTING_GAP_MS, VIEW_MS
from streaming.repository.analytics.totals import adjust
from streaming.repository.transaction import Row, Transaction

_BEFORE = """
    unit AS MATERIALIZED (
        SELECT unit.*, coalesce(stored.views, 0) AS old_views,
            coalesce(stored.is_completed, false) AS was_completed, stored.plays AS old_plays
        FROM jsonb_to_recordset(CAST(:units AS jsonb)) AS unit (
            movie_id uuid, user_id uuid, day date, plays jsonb
        )
        LEFT JOIN LATERAL (
            SELECT * FROM analytics_viewer_days AS stored
            WHERE stored.user_id = unit.user_id AND stored.movie_id = unit.movie_id
                AND stored.day = unit.day
            OFFSET 0
        ) AS stored ON true
    )
"""

# A session that is long enough is a view, unless it follows another one soon.
_SESSIONS = f"""
    part AS MATERIALIZED (
        SELECT unit.movie_id, unit.user_id, unit.day, session.*
        FROM unit
        CROSS JOIN LATERAL (
            SELECT session_id, first_ms, last_ms, watched_ms, duration_seconds, furthest_seconds
            FROM analytics_sessions AS session
            WHERE session.user_id = unit.user_id AND session.movie_id = unit.movie_id
                AND session.session_id >= analytics_first_session(unit.day)
                AND session.session_id < analytics_first_session(unit.day + 1)
            OFFSET 0
        ) AS session
    ),
    viewed AS (
        SELECT movie_id, user_id, day, count(*) AS views
        FROM (
            SELECT movie_id, user_id, day, first_ms - max(last_ms) OVER (
                    PARTITION BY movie_id, user_id, day ORDER BY first_ms, session_id
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS pause_ms
            FROM part
            WHERE watched_ms >= {VIEW_MS}
        ) AS session
        WHERE pause_ms IS NULL OR pause_ms > {SITTING_GAP_MS}
        GROUP BY movie_id, user_id, day
    ),
    reached AS (
        SELECT movie_id, user_id, day, bool_or(duration_seconds IS NOT NULL) AS is_measured,
            coalesce(bool_or(furthest_seconds >= {COMPLETED_AT} * duration_seconds), false)
                AS is_at_end
        FROM part
        GROUP BY movie_id, user_id, day
    )
"""  # noqa: S608

# Who has no view is no viewer, and has completed nothing.
_AFTER = """
    after AS MATERIALIZED (
        SELECT unit.movie_id, unit.user_id, unit.day, unit.old_views, unit.was_completed,
            unit.old_plays, coalesce(viewed.views, 0) AS views,
            viewed.views IS NOT NULL AND reached.is_at_end AS is_completed,
            CASE
                WHEN unit.plays IS NULL AND unit.old_plays IS NOT NULL THEN unit.old_plays
                WHEN reached.is_measured THEN (
                    SELECT array_agg(
                        coalesce(unit.old_plays[number + 1], 0)
                            + coalesce(CAST(unit.plays ->> CAST(number AS text) AS integer), 0)
                        ORDER BY number
                    )
                    FROM generate_series(0, 99) AS numbers (number)
                )
            END AS plays
        FROM unit
        JOIN reached USING (movie_id, user_id, day)
        LEFT JOIN viewed USING (movie_id, user_id, day)
    ),
    changed AS MATERIALIZED (
        SELECT after.*,
            CASE WHEN old_views > 0 THEN old_plays END AS plays_counted,
            CASE WHEN views > 0 THEN plays END AS plays_to_count
        FROM after
        WHERE (views, is_completed) <> (old_views, was_completed)
            OR plays IS DISTINCT FROM old_plays
    ),
    saved AS (
        INSERT INTO analytics_viewer_days AS stored (
            day, movie_id, user_id, views, is_completed, plays
        )
        SELECT day, movie_id, user_id, views, is_completed, plays
        FROM changed
        ORDER BY user_id, movie_id, day
        ON CONFLICT (user_id, movie_id, day) DO UPDATE SET
            views = excluded.views,
            is_completed = excluded.is_completed,
            plays = excluded.plays
    )
"""

_SEEN = "(SELECT count(*) FROM unnest({plays}) AS hundredth (plays) WHERE hundredth.plays > 0)"

_CHANGES_OF_DAYS = f"""
    SELECT movie_id, day, views - old_views AS views,
        CAST(views > 0 AS integer) - CAST(old_views > 0 AS integer) AS viewer_days,
        CAST(plays_to_count IS NOT NULL AS integer) - CAST(plays_counted IS NOT NULL AS integer)
            AS measured_viewer_days,
        {_SEEN.format(plays="plays_to_count")} - {_SEEN.format(plays="plays_counted")}
            AS seen_hundredths,
        CAST(is_completed AS integer) - CAST(was_completed AS integer) AS completions
    FROM changed
"""  # noqa: S608

_CURVES = """
    curves AS (
        INSERT INTO analytics_curves AS stored (movie_id, day, viewers, plays)
        SELECT movie_id, day, array_agg(viewers ORDER BY number), array_agg(plays ORDER BY number)
        FROM (
            SELECT movie_id, day, number, sum(sign * CAST(value > 0 AS integer)) AS viewers,
                sum(sign * value) AS plays
            FROM (
                SELECT movie_id, day, 1 AS sign, plays_to_count AS plays
                FROM changed
                WHERE plays_to_count IS DISTINCT FROM plays_counted
                UNION ALL
                SELECT movie_id, day, -1, plays_counted
                FROM changed
                WHERE plays_to_count IS DISTINCT FROM plays_counted
            ) AS viewer
            CROSS JOIN LATERAL unnest(plays) WITH ORDINALITY AS hundredth (value, number)
            GROUP BY movie_id, day, number
        ) AS hundredth
        GROUP BY movie_id, day
        ORDER BY movie_id, day
        ON CONFLICT (movie_id, day) DO UPDATE SET
            viewers = (
                SELECT array_agg(counted + added ORDER BY number)
                FROM unnest(stored.viewers, excluded.viewers) WITH ORDINALITY
                    AS hundredth (counted, added, number)
            ),
            plays = (
                SELECT array_agg(counted + added ORDER BY number)
                FROM unnest(stored.plays, excluded.plays) WITH ORDINALITY
                    AS hundredth (counted, added, number)
            )
    )
"""

_FIGURES = ("views", "viewer_days", "measured_viewer_days", "seen_hundredths", "completions")

_ADJUST = f"""
    WITH {_BEFORE}, {_SESSIONS}, {_AFTER},
    {adjust("analytics_days", ("day",), _FIGURES, _CHANGES_OF_DAYS)}, {_CURVES}
    SELECT user_id, movie_id, day, views > 0 AS is_viewer
    FROM changed
    WHERE (views > 0) <> (old_views > 0)
"""  # noqa: S608


def adjust_viewer_days(transaction: Transaction, units: Sequence[Row]) -> list[Row]:
    """Adjust the days of viewers in ``units``, rows of ``movie_id, user_id, day, plays``.

    ``plays`` is how often each hundredth was played more than before, by its number from 0. Return
    the days on which a user became a viewer of a film, or is none any more.
    """
    return transaction.rows(_ADJUST, units=json.dumps(units, default=str))
