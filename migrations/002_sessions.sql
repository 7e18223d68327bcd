-- Why a session ended that its player did not stop: abandoned, or taken over by another player.

-- Playback waits behind a statement that waits for a lock.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '10s';

ALTER TABLE stream_sessions ADD COLUMN end_reason text;

COMMENT ON COLUMN stream_sessions.end_reason IS 'Empty while it is open, and when its player stopped it';
