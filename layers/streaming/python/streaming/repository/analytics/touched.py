"""SQL of what a batch touches: its new events, their sessions, and the events next to them."""

# "OFFSET 0" keeps a subquery that is read by index for each row outside of it. The tables grow
# faster than their statistics, by which the planner would read them as a whole.
FRESH = """
    fresh AS MATERIALIZED (
        SELECT incoming.*
        FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS incoming (
            session_id uuid, event_id uuid, user_id uuid, movie_id uuid, day date, kind integer,
            at_ms bigint, position_seconds integer, manifest_type text, device text,
            duration_seconds integer
        )
        LEFT JOIN LATERAL (
            SELECT true AS is_known
            FROM analytics_events AS event
            WHERE event.session_id = incoming.session_id AND event.event_id = incoming.event_id
            OFFSET 0
        ) AS event ON true
        WHERE event.is_known IS NULL
    )
"""

# The greatest of several values, so that the order of arrival does not matter. 1 is a start, 3 and
# more end a session, 4 is the end of an abandoned one.
SESSION = """
    added AS MATERIALIZED (
        SELECT session_id, day, (array_agg(user_id))[1] AS user_id,
            (array_agg(movie_id))[1] AS movie_id,
            bool_or(kind = 1) AS is_started, max(manifest_type) AS manifest_type,
            max(device) AS device, max(duration_seconds) AS duration_seconds,
            min(at_ms) AS first_ms, max(at_ms) AS last_ms,
            max(at_ms) FILTER (WHERE kind < 3) AS heard_ms,
            max(at_ms) FILTER (WHERE kind = 4) AS abandoned_ms,
            max(position_seconds) AS furthest_seconds
        FROM fresh
        GROUP BY session_id, day
    ),
    session AS MATERIALIZED (
        SELECT added.session_id, added.day,
            coalesce(stored.user_id, named.alias, added.user_id) AS user_id,
            coalesce(stored.movie_id, added.movie_id) AS movie_id,
            coalesce(stored.is_started, false) AS was_started,
            added.is_started OR coalesce(stored.is_started, false) AS is_started,
            stored.manifest_type AS old_manifest_type, stored.device AS old_device,
            greatest(stored.manifest_type, added.manifest_type) AS manifest_type,
            greatest(stored.device, added.device) AS device,
            stored.duration_seconds AS old_duration_seconds,
            greatest(stored.duration_seconds, added.duration_seconds) AS duration_seconds,
            least(stored.first_ms, added.first_ms) AS first_ms,
            greatest(stored.last_ms, added.last_ms) AS last_ms,
            greatest(stored.heard_ms, added.heard_ms) AS heard_ms,
            greatest(stored.abandoned_ms, added.abandoned_ms) AS abandoned_ms,
            greatest(stored.furthest_seconds, added.furthest_seconds) AS furthest_seconds,
            coalesce(stored.abandoned_ms >= stored.heard_ms, false) AS was_abandoned
        FROM added
        LEFT JOIN LATERAL (
            SELECT * FROM analytics_sessions AS stored
            WHERE stored.session_id = added.session_id
            OFFSET 0
        ) AS stored ON true
        LEFT JOIN LATERAL (
            SELECT named.alias FROM analytics_aliases AS named
            WHERE named.session_id = added.session_id
            OFFSET 0
        ) AS named ON true
    )
"""

# The new events, the one before and the one after each; all of a session whose film has another
# duration than before.
NEAR = """
    near AS MATERIALIZED (
        SELECT session_id, event_id, at_ms, kind, position_seconds, true AS is_fresh FROM fresh
        UNION
        SELECT around.*, false
        FROM fresh
        CROSS JOIN LATERAL (
            (
                SELECT session_id, event_id, at_ms, kind, position_seconds
                FROM analytics_events AS event
                WHERE event.session_id = fresh.session_id
                    AND (event.at_ms, event.event_id) < (fresh.at_ms, fresh.event_id)
                ORDER BY event.at_ms DESC, event.event_id DESC
                LIMIT 1
            )
            UNION ALL
            (
                SELECT session_id, event_id, at_ms, kind, position_seconds
                FROM analytics_events AS event
                WHERE event.session_id = fresh.session_id
                    AND (event.at_ms, event.event_id) > (fresh.at_ms, fresh.event_id)
                ORDER BY event.at_ms, event.event_id
                LIMIT 1
            )
        ) AS around
        UNION
        SELECT event.session_id, event.event_id, event.at_ms, event.kind, event.position_seconds,
            false
        FROM session
        CROSS JOIN LATERAL (
            SELECT * FROM analytics_events AS event
            WHERE event.session_id = session.session_id
            OFFSET 0
        ) AS event
        WHERE session.duration_seconds IS DISTINCT FROM session.old_duration_seconds
    )
"""
