-- Which start each Idempotency-Key stands for, so that a repeated one opens no second session.

-- Playback waits behind a statement that waits for a lock.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '10s';

CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL,
    key varchar(255) NOT NULL,
    fingerprint varchar(64) NOT NULL,
    session_id uuid NOT NULL,
    event_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    running_until timestamptz NOT NULL,
    completed_at timestamptz,
    PRIMARY KEY (user_id, key)
);

COMMENT ON COLUMN idempotency_keys.fingerprint IS 'SHA-256 of what the first request asked for';
COMMENT ON COLUMN idempotency_keys.running_until IS 'When an attempt that has not completed is given up';

CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
