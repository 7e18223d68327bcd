-- The figures of each film and day, and of all films together: the film with only zeros.
SELECT toString(film) AS movie_id, toString(day) AS film_day, name, sum(value) AS total
FROM (
    SELECT arrayJoin([movie_id, toUUID('00000000-0000-0000-0000-000000000000')]) AS film, day, toString(name) AS name, value
    FROM viewing.figures FINAL
    WHERE day BETWEEN {first:Date} AND {last:Date} AND name IN (
        'sessions', 'abandoned_sessions', 'views', 'viewer_days', 'measured_viewer_days', 'completions', 'seen_hundredths',
        'watched_ms'
    )
)
GROUP BY film, day, name
HAVING total != 0
