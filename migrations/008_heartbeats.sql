-- What a report changes is in no index, and the changed columns of a session are neighbours.

-- Playback waits behind a statement that waits for a lock.
SET LOCAL lock_timeout = '3s';
-- Writing waits while the whole table is read for the index. With more than a million sessions,
-- create it beforehand, as docs/deploy.md describes.
SET LOCAL statement_timeout = '60s';

DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_index
        WHERE indexrelid = to_regclass('stream_sessions_open_id') AND NOT indisvalid
    ) THEN
        RAISE EXCEPTION 'the index stream_sessions_open_id was not built to its end'
            USING HINT = 'DROP INDEX CONCURRENTLY stream_sessions_open_id, and create it again';
    END IF;
END
$$;

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX IF NOT EXISTS stream_sessions_open_id ON stream_sessions (id) WHERE ended_at IS NULL;

SET LOCAL statement_timeout = '10s';

-- The write-ahead log of an update contains everything between the changed columns, so the long
-- texts move behind them.
ALTER TABLE stream_sessions
    ADD COLUMN player_agent varchar(512),
    ADD COLUMN player_address varchar(45),
    SET (fillfactor = 60);

COMMENT ON COLUMN stream_sessions.user_agent IS 'Written by former versions; see player_agent';
COMMENT ON COLUMN stream_sessions.ip_address IS 'Written by former versions; see player_address';

ALTER TABLE watch_progress SET (fillfactor = 60);

-- Both contain a time that each report changes. Dropping an index only removes files.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX stream_sessions_open;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX watch_progress_to_continue;
