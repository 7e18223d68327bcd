-- Computes the figures of days with new events, every minute. What a day of a film no longer has becomes zero,
-- because its former rows are among those that are added up.
CREATE MATERIALIZED VIEW viewing.compute_figures REFRESH EVERY 1 MINUTE APPEND TO viewing.figures AS
SELECT movie_id, session_day, day, name, part, sum(figure) AS value, now64(3) AS computed_at
FROM (
    SELECT movie_id, session_day, day, name, part, value AS figure FROM viewing.new_figures
    UNION ALL
    SELECT movie_id, session_day, day, name, part, toInt64(0)
    FROM viewing.figures
    WHERE (movie_id, session_day) IN (SELECT movie_id, day FROM viewing.stale_days)
)
GROUP BY movie_id, session_day, day, name, part;
