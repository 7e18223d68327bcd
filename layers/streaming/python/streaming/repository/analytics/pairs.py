"""SQL of what two consecutive events of a session tell: the time watched, the hundredths played.

Both are computed twice: with the new events (``sign`` 1), and without them (``sign`` -1).
"""

from streaming.domain.viewing import LONGEST_GAP_MS

# A session that stopped, or whose position stood still, was not watched meanwhile.
INTERVALS = f"""
    chain AS (
        SELECT near.session_id, 1 AS sign, near.at_ms, near.position_seconds,
            session.duration_seconds, lag(near.at_ms) OVER events AS before_ms,
            lag(near.kind) OVER events AS before_kind,
            lag(near.position_seconds) OVER events AS before_seconds
        FROM near
        JOIN session USING (session_id)
        WINDOW events AS (PARTITION BY near.session_id ORDER BY near.at_ms, near.event_id)
        UNION ALL
        SELECT near.session_id, -1, near.at_ms, near.position_seconds,
            session.old_duration_seconds, lag(near.at_ms) OVER events,
            lag(near.kind) OVER events, lag(near.position_seconds) OVER events
        FROM near
        JOIN session USING (session_id)
        WHERE NOT near.is_fresh
        WINDOW events AS (PARTITION BY near.session_id ORDER BY near.at_ms, near.event_id)
    ),
    intervals AS MATERIALIZED (
        SELECT session_id, sign, at_ms, position_seconds, duration_seconds, before_kind,
            before_seconds, least(at_ms - before_ms, {LONGEST_GAP_MS}) AS gap_ms,
            CASE
                WHEN before_ms IS NULL OR before_kind >= 3 OR position_seconds = before_seconds
                    THEN 0
                ELSE least(at_ms - before_ms, {LONGEST_GAP_MS})
            END AS watched_ms
        FROM chain
    )
"""  # noqa: S608


def _hundredth(seconds: str) -> str:
    return f"least(99, {seconds} * 100 / duration_seconds)"


# Positions that advance by no more than twice the time, and two seconds, were played. The first
# report of a session says that what precedes it was played since the start. After any other
# movement only the hundredth of the new position is known.
PLAYS = f"""
    played AS (
        SELECT session_id, sign,
            CASE
                WHEN before_seconds IS NULL AND before_kind = 1
                    THEN {_hundredth("greatest(0, position_seconds - gap_ms / 1000)")}
                WHEN position_seconds >= before_seconds
                    AND (position_seconds - before_seconds) * 1000 <= 2 * gap_ms + 2000
                    THEN {_hundredth("before_seconds")} + 1
                ELSE {_hundredth("position_seconds")}
            END AS first_hundredth,
            {_hundredth("position_seconds")} AS last_hundredth
        FROM intervals
        WHERE duration_seconds IS NOT NULL AND position_seconds IS NOT NULL
    ),
    plays AS (
        SELECT movie_id, user_id, day, jsonb_object_agg(hundredth, plays) AS plays
        FROM (
            SELECT session.movie_id, session.user_id, session.day, hundredth, sum(sign) AS plays
            FROM played
            JOIN session USING (session_id)
            CROSS JOIN LATERAL generate_series(first_hundredth, last_hundredth)
                AS numbers (hundredth)
            GROUP BY session.movie_id, session.user_id, session.day, hundredth
            HAVING sum(sign) <> 0
        ) AS hundredths
        GROUP BY movie_id, user_id, day
    )
"""  # noqa: S608
