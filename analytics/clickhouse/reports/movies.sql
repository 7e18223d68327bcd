-- The films by their views.
SELECT
    toString(movie_id) AS film,
    sumIf(value, name = 'views') AS views,
    sumIf(value, name = 'watched_ms') AS watched_ms,
    sumIf(value, name = 'sessions') AS sessions,
    sumIf(value, name = 'viewer_days') AS viewer_days,
    uniqExactIf(part, name = 'viewer_days' AND value > 0) AS unique_viewers,
    sumIf(value, name = 'completions') AS completions
FROM viewing.figures FINAL
WHERE day BETWEEN {first:Date} AND {last:Date}
    AND name IN ('views', 'watched_ms', 'sessions', 'viewer_days', 'completions')
GROUP BY movie_id
HAVING views > 0 OR watched_ms > 0 OR sessions > 0
ORDER BY views DESC, film
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
