-- The sessions by device and by manifest type.
SELECT toString(movie_id) AS film, toString(day) AS film_day, toString(name) AS dimension, part, sum(value) AS sessions
FROM viewing.figures FINAL
WHERE day BETWEEN {first:Date} AND {last:Date} AND name IN ('device', 'manifest_type')
GROUP BY movie_id, day, name, part
HAVING sessions != 0
