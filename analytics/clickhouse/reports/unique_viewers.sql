-- The distinct users with a view, of each film and of all films together.
SELECT toString(any_film) AS film, uniqExact(part) AS unique_viewers
FROM (
    SELECT part, arrayJoin([movie_id, toUUID('00000000-0000-0000-0000-000000000000')]) AS any_film
    FROM viewing.figures FINAL
    WHERE day BETWEEN {first:Date} AND {last:Date} AND name = 'viewer_days' AND value > 0
)
GROUP BY any_film
