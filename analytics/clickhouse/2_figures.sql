-- The measures of docs/analytics.md, from viewing.events, for the days of films that have new events. Each view is one
-- step of the definitions; a day is when the session started, unless said otherwise.

-- The figures, computed again when a day of a film gets events. `day` is when it was watched. `part` is the user of
-- viewer_days, the hundredth of seen_hundredths and plays, the value of device and manifest_type, and the minute.
CREATE TABLE viewing.figures (
    movie_id UUID,
    session_day Date,
    day Date,
    name LowCardinality(String),
    part String,
    value Int64,
    computed_at DateTime64(3)
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY name
ORDER BY (movie_id, session_day, name, day, part);

-- Without figures, all days; otherwise those with events since the last computation. An event becomes visible
-- later than the mark of its day, and its insert may be slow: ten minutes overlap.
CREATE VIEW viewing.stale_days AS
SELECT DISTINCT movie_id, day
FROM viewing.touched
WHERE touched_at >= (SELECT max(computed_at) - toIntervalMinute(10) FROM viewing.figures);

-- Each event once, without those that name the session of another user or film.
CREATE VIEW viewing.own_events AS
SELECT event.*
FROM (
    SELECT *
    FROM viewing.events FINAL
    WHERE (movie_id, day) IN (SELECT movie_id, day FROM viewing.stale_days)
) AS event
INNER JOIN (
    SELECT day, session, argMinMerge(owner) AS found_owner
    FROM viewing.owners
    WHERE day IN (SELECT day FROM viewing.stale_days)
    GROUP BY day, session
) AS owned ON owned.day = event.day AND owned.session = event.session
WHERE found_owner = (event.user_id, event.movie_id);

-- Each event of a session with the one before it. UUIDs are compared as text, as everywhere else; ClickHouse itself
-- orders them by their second half.
CREATE VIEW viewing.steps AS
SELECT
    *,
    before_ms IS NULL AS is_first,
    if(is_first, toInt64(0), least(at_ms - assumeNotNull(before_ms), toInt64(30000))) AS gap_ms,
    multiIf(
        is_first OR ifNull(before_kind, 0) >= 3, toInt64(0),
        position_seconds = before_seconds, toInt64(0),
        gap_ms
    ) AS watched_ms
FROM (
    SELECT
        movie_id, day, session, user_id, toString(event_id) AS event, kind, at_ms, position_seconds, manifest_type,
        device,
        max(duration_seconds) OVER (PARTITION BY movie_id, day, session) AS film_seconds,
        lagInFrame(toNullable(at_ms)) OVER ordered AS before_ms,
        lagInFrame(toNullable(kind)) OVER ordered AS before_kind,
        lagInFrame(position_seconds) OVER ordered AS before_seconds
    FROM viewing.own_events
    WINDOW ordered AS (
        PARTITION BY movie_id, day, session ORDER BY at_ms, toString(event_id)
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
);

CREATE VIEW viewing.sessions AS
SELECT
    step.movie_id AS movie_id,
    step.day AS day,
    step.session AS session,
    any(step.user_id) AS user_id,
    min(step.at_ms) AS first_ms,
    max(step.at_ms) AS last_ms,
    sum(step.watched_ms) AS session_ms,
    max(step.film_seconds) AS duration_seconds,
    max(step.position_seconds) AS furthest_seconds,
    ifNull(max(step.manifest_type), 'unknown') AS session_manifest,
    ifNull(max(step.device), 'unknown') AS session_device,
    countIf(step.kind = 1) > 0 AS is_started,
    countIf(step.kind = 4) > 0 AND countIf(step.kind < 3) > 0
        AND maxIf(step.at_ms, step.kind = 4) >= maxIf(step.at_ms, step.kind < 3) AS is_abandoned
FROM viewing.steps AS step
GROUP BY step.movie_id, step.day, step.session;

-- The sessions that count as views. Without an earlier one, earlier_ms is 0.
CREATE VIEW viewing.views AS
SELECT movie_id, day, user_id, session
FROM (
    SELECT
        movie_id, day, user_id, session, first_ms,
        max(last_ms) OVER (
            PARTITION BY movie_id, day, user_id ORDER BY first_ms, session
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS earlier_ms
    FROM viewing.sessions
    WHERE session_ms >= 30000
)
WHERE first_ms - earlier_ms > 1800000;

CREATE VIEW viewing.viewer_days AS
SELECT
    movie_id, day, user_id,
    countIf(ifNull(furthest_seconds * 10 >= duration_seconds * 9, 0)) > 0 AS is_completed,
    countIf(duration_seconds IS NOT NULL) > 0 AS is_measured
FROM viewing.sessions
WHERE (movie_id, day, user_id) IN (SELECT movie_id, day, user_id FROM viewing.views)
GROUP BY movie_id, day, user_id;

-- What was played without a seek, in hundredths of the film.
CREATE VIEW viewing.runs AS
SELECT
    movie_id, day, user_id,
    toUInt64(least(intDiv(first_position * 100, film), 99)) AS first_hundredth,
    toUInt64(least(intDiv(last_position * 100, film), 99)) AS last_hundredth
FROM (
    SELECT
        numbered.movie_id AS movie_id,
        numbered.day AS day,
        any(numbered.user_id) AS user_id,
        any(numbered.film) AS film,
        min(numbered.begins_at) AS first_position,
        max(numbered.place) AS last_position
    FROM (
        SELECT
            movie_id, day, session, user_id, film, place,
            if(
                NOT continues AND before_seconds IS NULL AND ifNull(before_kind, 0) = 1,
                greatest(toInt64(0), place - intDiv(gap_ms, 1000)),
                place
            ) AS begins_at,
            sum(if(continues, 0, 1)) OVER (
                PARTITION BY movie_id, day, session ORDER BY at_ms, event ROWS UNBOUNDED PRECEDING
            ) AS run
        FROM (
            SELECT
                movie_id, day, session, user_id, event, at_ms, gap_ms, before_seconds, before_kind,
                assumeNotNull(film_seconds) AS film,
                assumeNotNull(position_seconds) AS place,
                ifNull(
                    position_seconds >= before_seconds
                    AND (position_seconds - before_seconds) * 1000 <= 2 * gap_ms + 2000,
                    0
                ) AS continues
            FROM viewing.steps
            WHERE position_seconds IS NOT NULL AND film_seconds IS NOT NULL
        )
    ) AS numbered
    GROUP BY numbered.movie_id, numbered.day, numbered.session, numbered.run
);

CREATE VIEW viewing.hundredths AS
SELECT movie_id, day, user_id, hundredth, count() AS times
FROM (
    SELECT movie_id, day, user_id, arrayJoin(range(first_hundredth, last_hundredth + 1)) AS hundredth
    FROM viewing.runs
    WHERE (movie_id, day, user_id) IN (SELECT movie_id, day, user_id FROM viewing.views)
)
GROUP BY movie_id, day, user_id, hundredth;

-- Watch time belongs to the day on which it was watched, so an interval over midnight belongs to two.
CREATE VIEW viewing.watched AS
SELECT
    movie_id,
    session_day,
    addDays(toDate('1970-01-01'), number) AS day,
    sum(least(at_ms, (number + 1) * 86400000) - greatest(at_ms - watched_ms, number * 86400000)) AS milliseconds
FROM (
    SELECT
        movie_id, day AS session_day, at_ms, watched_ms,
        arrayJoin(arrayDistinct([intDiv(at_ms, 86400000), intDiv(at_ms - watched_ms, 86400000)])) AS number
    FROM viewing.steps
    WHERE watched_ms > 0
)
WHERE at_ms > number * 86400000 AND at_ms - watched_ms < (number + 1) * 86400000
GROUP BY movie_id, session_day, number;

-- Who was watching at the instant at which a minute begins. An interval is at most half a minute long, so it
-- contains at most one.
CREATE VIEW viewing.minutes AS
SELECT movie_id, day AS session_day, intDiv(at_ms, 60000) * 60000 AS minute_ms, count() AS viewers
FROM viewing.steps
WHERE minute_ms > at_ms - watched_ms
GROUP BY movie_id, session_day, minute_ms;

-- One row for each figure.
CREATE VIEW viewing.new_figures AS
SELECT movie_id, session_day, day, name, part, sum(figure) AS value
FROM (
    SELECT movie_id, day AS session_day, day, tupleElement(pair, 1) AS name, tupleElement(pair, 2) AS part, toInt64(1) AS figure
    FROM (
        SELECT
            movie_id, day,
            arrayJoin(arrayConcat(
                if(is_started, [('sessions', ''), ('device', session_device), ('manifest_type', session_manifest)], []),
                if(is_abandoned, [('abandoned_sessions', '')], [])
            )) AS pair
        FROM viewing.sessions
    )
    UNION ALL
    SELECT movie_id, day, day, tupleElement(pair, 1), tupleElement(pair, 2), toInt64(1)
    FROM (
        SELECT
            movie_id, day,
            arrayJoin(arrayConcat(
                [('viewer_days', toString(user_id))],
                if(is_measured, [('measured_viewer_days', '')], []),
                if(is_completed, [('completions', '')], [])
            )) AS pair
        FROM viewing.viewer_days
    )
    UNION ALL
    SELECT movie_id, day, day, 'views', '', toInt64(1) FROM viewing.views
    UNION ALL
    SELECT movie_id, day, day, tupleElement(pair, 1), toString(hundredth), toInt64(tupleElement(pair, 2))
    FROM (
        SELECT movie_id, day, hundredth, arrayJoin([('seen_hundredths', toUInt64(1)), ('plays', times)]) AS pair
        FROM viewing.hundredths
    )
    UNION ALL
    SELECT movie_id, session_day, day, 'watched_ms', '', toInt64(milliseconds) FROM viewing.watched
    UNION ALL
    SELECT
        movie_id, session_day, addDays(toDate('1970-01-01'), intDiv(minute_ms, 86400000)), 'minute', toString(minute_ms),
        toInt64(viewers)
    FROM viewing.minutes
)
GROUP BY movie_id, session_day, day, name, part;
