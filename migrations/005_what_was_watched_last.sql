-- What was watched last, what was watched to its end, and which films there are.

-- Playback waits behind a statement that waits for a lock.
SET LOCAL lock_timeout = '3s';
-- Filling the table reads only. It comes first: the locks of what follows hold until the commit.
SET LOCAL statement_timeout = '120s';

CREATE TABLE films (
    movie_id uuid PRIMARY KEY,
    is_there boolean,
    duration_seconds integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    checked_at timestamptz
);

COMMENT ON TABLE films IS 'The films that were ever started or reported';
COMMENT ON COLUMN films.is_there IS 'Whether the bucket holds it; empty: not known yet';

CREATE INDEX films_checked_at ON films (checked_at NULLS FIRST);

INSERT INTO films (movie_id, is_there, duration_seconds)
SELECT DISTINCT ON (movie_id) movie_id, true, film_duration_seconds
FROM stream_sessions
ORDER BY movie_id, id DESC;

INSERT INTO films (movie_id, duration_seconds)
SELECT movie_id, max(duration_seconds)
FROM watch_progress
GROUP BY movie_id
ON CONFLICT (movie_id) DO NOTHING;

SET LOCAL statement_timeout = '10s';

ALTER TABLE stream_sessions ADD COLUMN last_sequence bigint;

COMMENT ON COLUMN stream_sessions.last_sequence IS 'The greatest sequence of its reports';

ALTER TABLE watch_progress
    ADD COLUMN completed_at timestamptz,
    ADD COLUMN times_completed integer NOT NULL DEFAULT 0,
    ADD COLUMN removed_at timestamptz;

COMMENT ON COLUMN watch_progress.completed_at IS 'When the film was last watched to its end';
COMMENT ON COLUMN watch_progress.removed_at IS 'When the user removed it; the next report clears it';
