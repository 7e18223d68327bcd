-- For each hundredth of a film, who played it on a day, and how often.
SELECT
    toString(movie_id) AS film,
    toString(day) AS film_day,
    toUInt8(part) AS hundredth,
    sumIf(value, name = 'seen_hundredths') AS viewers,
    sumIf(value, name = 'plays') AS all_plays
FROM viewing.figures FINAL
WHERE day BETWEEN {first:Date} AND {last:Date} AND name IN ('seen_hundredths', 'plays')
GROUP BY movie_id, day, part
HAVING viewers != 0
