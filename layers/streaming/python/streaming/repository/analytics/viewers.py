"""Counts unique viewers, so that those of any range of days can be added up.

A viewer of several days must count once. Each day of a viewer therefore refers to the viewer's
previous one, and only these pairs of days are counted. The unique viewers of a range are those of
its days whose previous day is before the range.
"""

import json
from collections.abc import Sequence

from streaming.domain.viewing import ALL_FILMS
from streaming.repository.transaction import Row, Transaction

_NEVER = "0001-01-01"

# The pairs around the changed days, before and after the change. Others are in both sums.
_CHANGE = f"""
    WITH change AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(CAST(:changes AS jsonb)) AS change (
            user_id uuid, movie_id uuid, day date, is_viewer boolean
        )
    ),
    near AS MATERIALIZED (
        SELECT user_id, movie_id, day, NOT is_viewer AS is_before, is_viewer AS is_after
        FROM change
        UNION
        SELECT change.user_id, change.movie_id, around.day, true, true
        FROM change
        CROSS JOIN LATERAL (
            (
                SELECT day FROM analytics_viewers AS viewer
                WHERE viewer.user_id = change.user_id AND viewer.movie_id = change.movie_id
                    AND viewer.day < change.day
                ORDER BY viewer.day DESC
                LIMIT 1
            )
            UNION ALL
            (
                SELECT day FROM analytics_viewers AS viewer
                WHERE viewer.user_id = change.user_id AND viewer.movie_id = change.movie_id
                    AND viewer.day > change.day
                ORDER BY viewer.day
                LIMIT 1
            )
        ) AS around
        WHERE NOT EXISTS (
            SELECT FROM change AS other
            WHERE (other.user_id, other.movie_id, other.day)
                = (change.user_id, change.movie_id, around.day)
        )
    ),
    pair AS (
        SELECT movie_id, day, sign, coalesce(
                lag(day) OVER (PARTITION BY sign, user_id, movie_id ORDER BY day), '{_NEVER}'
            ) AS previous_day
        FROM (
            SELECT user_id, movie_id, day, 1 AS sign FROM near WHERE is_after
            UNION ALL
            SELECT user_id, movie_id, day, -1 FROM near WHERE is_before
        ) AS viewed
    ),
    counted AS (
        INSERT INTO analytics_returns AS stored (movie_id, day, previous_day, viewers)
        SELECT movie_id, day, previous_day, sum(sign)
        FROM pair
        GROUP BY movie_id, day, previous_day
        HAVING sum(sign) <> 0
        ORDER BY day, movie_id, previous_day
        ON CONFLICT (day, movie_id, previous_day) DO UPDATE SET
            viewers = stored.viewers + excluded.viewers
    ),
    removed AS (
        DELETE FROM analytics_viewers AS viewer
        USING change
        WHERE (viewer.user_id, viewer.movie_id, viewer.day)
                = (change.user_id, change.movie_id, change.day)
            AND NOT change.is_viewer
    )
    INSERT INTO analytics_viewers (user_id, movie_id, day)
    SELECT user_id, movie_id, day FROM change WHERE is_viewer
    ORDER BY user_id, movie_id, day
"""  # noqa: S608

_FIND_CHANGES_OF_ALL_FILMS = f"""
    SELECT user_id, '{ALL_FILMS}' AS movie_id, day, is_viewer
    FROM (
        SELECT wanted.user_id, wanted.day,
            EXISTS (
                SELECT FROM analytics_viewers AS viewer
                WHERE viewer.user_id = wanted.user_id AND viewer.day = wanted.day
                    AND viewer.movie_id <> '{ALL_FILMS}'
            ) AS is_viewer,
            EXISTS (
                SELECT FROM analytics_viewers AS viewer
                WHERE viewer.user_id = wanted.user_id AND viewer.day = wanted.day
                    AND viewer.movie_id = '{ALL_FILMS}'
            ) AS was_viewer
        FROM (
            SELECT DISTINCT user_id, day
            FROM jsonb_to_recordset(CAST(:changes AS jsonb)) AS change (user_id uuid, day date)
        ) AS wanted
    ) AS viewer
    WHERE is_viewer <> was_viewer
"""  # noqa: S608


def change_viewers(transaction: Transaction, changes: Sequence[Row]) -> None:
    """Record the days on which a user became a viewer of a film, or is none any more."""
    if not changes:
        return
    of_films = _to_json(changes)
    transaction.rows(_CHANGE, changes=of_films)
    of_all = transaction.rows(_FIND_CHANGES_OF_ALL_FILMS, changes=of_films)
    if of_all:
        transaction.rows(_CHANGE, changes=_to_json(of_all))


def _to_json(changes: Sequence[Row]) -> str:
    return json.dumps(changes, default=str)
