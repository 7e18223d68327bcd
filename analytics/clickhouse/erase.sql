-- Replaces a user by one new random id, so that the figures stay: those of the past, and those that are computed again.
SYSTEM STOP VIEW viewing.compute_figures;

INSERT INTO viewing.aliases
SELECT DISTINCT session, {alias:UUID} FROM viewing.events WHERE user_id = {user_id:UUID};

ALTER TABLE viewing.events UPDATE user_id = {alias:UUID} WHERE user_id = {user_id:UUID}
SETTINGS mutations_sync = 2;

ALTER TABLE viewing.owners
DELETE WHERE (day, session) IN (SELECT day, session FROM viewing.events WHERE user_id = {alias:UUID})
SETTINGS mutations_sync = 2;

INSERT INTO viewing.owners
SELECT day, session, argMinState((user_id, movie_id), (sent_ms, event_id))
FROM viewing.events FINAL
WHERE (day, session) IN (SELECT day, session FROM viewing.events WHERE user_id = {alias:UUID})
GROUP BY day, session;

INSERT INTO viewing.figures
SELECT movie_id, session_day, day, name, toString({alias:UUID}), value, computed_at
FROM viewing.figures FINAL
WHERE name = 'viewer_days' AND part = toString({user_id:UUID});

ALTER TABLE viewing.figures DELETE WHERE name = 'viewer_days' AND part = toString({user_id:UUID})
SETTINGS mutations_sync = 2;

ALTER TABLE viewing.dead_letters DELETE WHERE positionCaseInsensitive(message, toString({user_id:UUID})) > 0
SETTINGS mutations_sync = 2;

SYSTEM START VIEW viewing.compute_figures;
