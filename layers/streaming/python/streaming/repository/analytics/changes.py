"""SQL of how much a batch changes the figures of days, minutes, devices and manifest types."""

CHANGES_OF_DAYS = """
    SELECT session.movie_id, intervals.day, 0 AS sessions, 0 AS abandoned_sessions,
        intervals.sign * intervals.watched_ms AS watched_ms
    FROM (
        -- An interval that began before midnight belongs to two days.
        SELECT session_id, sign, date '1970-01-01' + CAST(at_ms / 86400000 AS integer) AS day,
            least(watched_ms, at_ms % 86400000) AS watched_ms
        FROM intervals
        UNION ALL
        SELECT session_id, sign, date '1970-01-01' + CAST(at_ms / 86400000 AS integer) - 1,
            watched_ms - at_ms % 86400000
        FROM intervals
        WHERE watched_ms > at_ms % 86400000
    ) AS intervals
    JOIN session USING (session_id)
    UNION ALL
    SELECT movie_id, day, CAST(is_started AS integer) - CAST(was_started AS integer),
        CAST(coalesce(abandoned_ms >= heard_ms, false) AS integer)
            - CAST(was_abandoned AS integer),
        0
    FROM session
"""

# Whoever watched at the instant at which the minute begins.
CHANGES_OF_MINUTES = """
    SELECT session.movie_id, to_timestamp(intervals.at_ms / 60000 * 60) AS minute,
        intervals.sign AS viewers
    FROM intervals
    JOIN session USING (session_id)
    WHERE intervals.watched_ms > intervals.at_ms % 60000
"""

CHANGES_OF_BREAKDOWN = """
    SELECT session.movie_id, session.day, part.dimension, coalesce(part.value, 'unknown') AS value,
        part.sessions
    FROM session
    CROSS JOIN LATERAL (
        VALUES ('manifest_type', manifest_type, 1), ('device', device, 1),
            ('manifest_type', old_manifest_type, -1), ('device', old_device, -1)
    ) AS part (dimension, value, sessions)
    WHERE CASE WHEN part.sessions > 0 THEN is_started ELSE was_started END
"""
