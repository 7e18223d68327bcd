-- What was watched: the events of the sessions, the figures of each film and day, and their ledger.

-- Playback waits behind a statement that waits for a lock.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '10s';

-- Partitions by the month in which the session started, which its UUIDv7 contains.
CREATE TABLE analytics_events (
    session_id uuid NOT NULL,
    event_id uuid NOT NULL,
    at_ms bigint NOT NULL,
    kind integer NOT NULL,
    position_seconds integer,
    PRIMARY KEY (session_id, event_id)
) PARTITION BY RANGE (session_id);

COMMENT ON COLUMN analytics_events.at_ms IS 'When it happened, in Unix milliseconds';
COMMENT ON COLUMN analytics_events.kind IS '1 start, 2 progress, 3 stop, 4 abandoned, 5 taken over';

CREATE INDEX analytics_events_in_order ON analytics_events (session_id, at_ms, event_id);

CREATE TABLE analytics_sessions (
    session_id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    movie_id uuid NOT NULL,
    is_started boolean NOT NULL,
    manifest_type text,
    device text,
    duration_seconds integer,
    first_ms bigint NOT NULL,
    last_ms bigint NOT NULL,
    heard_ms bigint,
    abandoned_ms bigint,
    furthest_seconds integer,
    watched_ms bigint NOT NULL
) PARTITION BY RANGE (session_id);

COMMENT ON COLUMN analytics_sessions.duration_seconds IS 'The duration of the film';
COMMENT ON COLUMN analytics_sessions.heard_ms IS 'The latest start or report of its player';
COMMENT ON COLUMN analytics_sessions.abandoned_ms IS 'The latest end for want of reports';

CREATE INDEX analytics_sessions_of_viewer ON analytics_sessions (user_id, movie_id, session_id);

CREATE TABLE analytics_viewer_days (
    day date NOT NULL,
    movie_id uuid NOT NULL,
    user_id uuid NOT NULL,
    views integer NOT NULL,
    is_completed boolean NOT NULL,
    plays integer[],
    PRIMARY KEY (user_id, movie_id, day)
) PARTITION BY RANGE (day);

COMMENT ON TABLE analytics_viewer_days IS 'Sessions of a user, a film and the day they started on';
COMMENT ON COLUMN analytics_viewer_days.plays IS 'How often each hundredth of the film was played';

CREATE TABLE analytics_minutes (
    minute timestamptz NOT NULL,
    movie_id uuid NOT NULL,
    viewers bigint NOT NULL,
    PRIMARY KEY (movie_id, minute)
) PARTITION BY RANGE (minute);

-- In the following tables the film with only zeros stands for all films.
CREATE TABLE analytics_days (
    movie_id uuid NOT NULL,
    day date NOT NULL,
    sessions bigint NOT NULL DEFAULT 0,
    abandoned_sessions bigint NOT NULL DEFAULT 0,
    views bigint NOT NULL DEFAULT 0,
    viewer_days bigint NOT NULL DEFAULT 0,
    measured_viewer_days bigint NOT NULL DEFAULT 0,
    seen_hundredths bigint NOT NULL DEFAULT 0,
    completions bigint NOT NULL DEFAULT 0,
    watched_ms bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (movie_id, day)
) WITH (fillfactor = 80);

COMMENT ON COLUMN analytics_days.viewer_days IS 'Viewers of the day; of all films, their sum';
COMMENT ON COLUMN analytics_days.measured_viewer_days IS 'Those for whom the duration is known';

CREATE INDEX analytics_days_day ON analytics_days (day);

CREATE TABLE analytics_curves (
    movie_id uuid NOT NULL,
    day date NOT NULL,
    viewers bigint[] NOT NULL,
    plays bigint[] NOT NULL,
    PRIMARY KEY (movie_id, day)
) WITH (fillfactor = 60);

COMMENT ON TABLE analytics_curves IS 'Per hundredth of the film, who played it, and how often';

CREATE TABLE analytics_breakdown (
    movie_id uuid NOT NULL,
    day date NOT NULL,
    dimension text NOT NULL,
    value text NOT NULL,
    sessions bigint NOT NULL,
    PRIMARY KEY (movie_id, day, dimension, value)
) WITH (fillfactor = 80);

CREATE TABLE analytics_viewers (
    user_id uuid NOT NULL,
    movie_id uuid NOT NULL,
    day date NOT NULL,
    PRIMARY KEY (user_id, movie_id, day)
);

CREATE TABLE analytics_returns (
    movie_id uuid NOT NULL,
    day date NOT NULL,
    previous_day date NOT NULL,
    viewers bigint NOT NULL,
    PRIMARY KEY (day, movie_id, previous_day)
) WITH (fillfactor = 80);

COMMENT ON TABLE analytics_returns IS 'Viewers of a day by the day before on which they watched it';
COMMENT ON COLUMN analytics_returns.previous_day IS '0001-01-01: none';

CREATE INDEX analytics_returns_of_film ON analytics_returns (movie_id, day);

CREATE TABLE analytics_offsets (
    topic varchar(249) NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
);

CREATE TABLE analytics_dead_letters (
    topic varchar(249) NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    reason text NOT NULL,
    key text,
    user_id uuid,
    value bytea,
    died_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, "offset")
);

COMMENT ON COLUMN analytics_dead_letters.value IS 'The beginning of the value';

CREATE INDEX analytics_dead_letters_died_at ON analytics_dead_letters (died_at);
CREATE INDEX analytics_dead_letters_user_id ON analytics_dead_letters (user_id);
CREATE INDEX analytics_dead_letters_key ON analytics_dead_letters (key);

-- Repeats of an erased user's events must not name the user again.
CREATE TABLE analytics_aliases (
    session_id uuid PRIMARY KEY,
    alias uuid NOT NULL
);

CREATE TABLE analytics_state (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    first_month date NOT NULL,
    rebuilt_by uuid
);

COMMENT ON COLUMN analytics_state.first_month IS 'The sessions of earlier months are deleted';
COMMENT ON COLUMN analytics_state.rebuilt_by IS 'The running rebuild; empty if there is none';

INSERT INTO analytics_state (first_month) VALUES ('2020-01-01');

-- The role of the functions makes no tables, so these functions have the rights of their owner.
-- Each takes the lock of the consumer, because a partition is locked while it is added or dropped.
DO $migration$
BEGIN
    EXECUTE format($statement$
        CREATE FUNCTION analytics_add_month(month date) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = %1$I, pg_temp
        AS $function$
        DECLARE
            next_month date := month + interval '1 month';
            parent text;
            first_value text;
            end_value text;
            child text;
        BEGIN
            IF month <> date_trunc('month', month) OR month < '2020-01-01' THEN
                RAISE EXCEPTION 'not a month of the analytics: %%', month;
            END IF;
            PERFORM pg_advisory_xact_lock(7403912651);
            IF month < (SELECT first_month FROM analytics_state) THEN
                RETURN;
            END IF;
            FOREACH parent IN ARRAY ARRAY[
                'analytics_events', 'analytics_sessions',
                'analytics_viewer_days', 'analytics_minutes'
            ] LOOP
                child := parent || to_char(month, '_YYYY_MM');
                CONTINUE WHEN to_regclass(format('%%I', child)) IS NOT NULL;
                IF parent IN ('analytics_events', 'analytics_sessions') THEN
                    first_value := analytics_first_session(month);
                    end_value := analytics_first_session(next_month);
                ELSIF parent = 'analytics_minutes' THEN
                    first_value := month || 'T00:00:00Z';
                    end_value := next_month || 'T00:00:00Z';
                ELSE
                    first_value := month;
                    end_value := next_month;
                END IF;
                -- Attaching a table waits for no reader, creating it as a partition does.
                EXECUTE format('CREATE TABLE %%I (LIKE %%I INCLUDING ALL)', child, parent);
                IF parent <> 'analytics_events' THEN
                    EXECUTE format('ALTER TABLE %%I SET (fillfactor = 80)', child);
                END IF;
                EXECUTE format(
                    'ALTER TABLE %%I ATTACH PARTITION %%I FOR VALUES FROM (%%L) TO (%%L)',
                    parent, child, first_value, end_value
                );
            END LOOP;
        END
        $function$
    $statement$, current_schema());
    EXECUTE format($statement$
        CREATE FUNCTION analytics_drop_before(month date) RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = %1$I, pg_temp
        AS $function$
        DECLARE
            child text;
            dropped integer := 0;
        BEGIN
            PERFORM pg_advisory_xact_lock(7403912651);
            UPDATE analytics_state SET first_month = month WHERE first_month < month;
            FOR child IN
                SELECT inhrelid::regclass::text
                FROM pg_inherits
                WHERE inhparent = ANY(ARRAY[
                        'analytics_events', 'analytics_sessions',
                        'analytics_viewer_days', 'analytics_minutes'
                    ]::regclass[])
                    AND to_date(right(inhrelid::regclass::text, 7), 'YYYY_MM') < month
                ORDER BY 1
            LOOP
                EXECUTE 'DROP TABLE ' || child;
                dropped := dropped + 1;
            END LOOP;
            DELETE FROM analytics_aliases WHERE session_id < analytics_first_session(month);
            RETURN dropped;
        END
        $function$
    $statement$, current_schema());
END
$migration$;

-- The smallest UUIDv7 of a day.
CREATE FUNCTION analytics_first_session(day date) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CAST(
    lpad(to_hex(CAST(day - date '1970-01-01' AS bigint) * 86400000), 12, '0')
    || '70000000000000000000' AS uuid
);

REVOKE EXECUTE ON FUNCTION analytics_add_month(date), analytics_drop_before(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION analytics_add_month(date), analytics_drop_before(date)
    TO streaming_read_write;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    analytics_events, analytics_sessions, analytics_viewer_days, analytics_minutes, analytics_days,
    analytics_curves, analytics_breakdown, analytics_viewers, analytics_returns, analytics_offsets,
    analytics_dead_letters, analytics_aliases, analytics_state
    TO streaming_read_write;
