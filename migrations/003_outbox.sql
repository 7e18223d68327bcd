-- The outbox by key, when each key is to be tried again, and where events go that Kafka never takes.

-- Playback waits behind a statement that waits for a lock.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '10s';

ALTER TABLE event_outbox
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN next_attempt_at timestamptz;

COMMENT ON COLUMN event_outbox.attempts IS 'How often Kafka refused it while it took others';
COMMENT ON COLUMN event_outbox.next_attempt_at IS 'Empty: at once. Holds back the whole key';

-- The outbox holds next to nothing, so its index is there at once.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX event_outbox_key ON event_outbox (key, id);

CREATE TABLE event_dead_letters (
    event_id uuid PRIMARY KEY,
    topic varchar(249) NOT NULL,
    key varchar(64) NOT NULL,
    value text NOT NULL,
    created_at timestamptz NOT NULL,
    attempts integer NOT NULL,
    error text NOT NULL,
    died_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX event_dead_letters_key ON event_dead_letters (key);
CREATE INDEX event_dead_letters_died_at ON event_dead_letters (died_at);
