-- The role of the functions that serve requests: it reads and writes rows, and makes nothing.

-- Playback waits behind a statement that waits for a lock.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '10s';

-- Roles belong to the whole server: an administrator, or another database, may have made it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'streaming_read_write') THEN
        CREATE ROLE streaming_read_write NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the user that migrates may not make the role streaming_read_write'
            USING HINT = 'As an administrator: CREATE ROLE streaming_read_write NOLOGIN';
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE
    ON stream_sessions, watch_progress, event_outbox, event_dead_letters, idempotency_keys, films
    TO streaming_read_write;

-- The tables of later migrations.
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO streaming_read_write;

-- In PostgreSQL 14 everybody may make tables here, and in every version temporary ones.
DO $$
BEGIN
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', current_schema());
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END
$$;
