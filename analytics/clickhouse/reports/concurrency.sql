-- Who was watching a film when a minute began.
SELECT toString(movie_id) AS film, toInt64(part) AS minute_ms, sum(value) AS viewers
FROM viewing.figures FINAL
WHERE day BETWEEN {first:Date} AND {last:Date} AND name = 'minute'
GROUP BY movie_id, part
HAVING viewers != 0
