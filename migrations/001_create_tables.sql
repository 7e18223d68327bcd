-- The record of what was watched, and the outbox that keeps its events until Kafka has them.

CREATE TABLE watch_progress (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    movie_id uuid NOT NULL,
    position_seconds integer NOT NULL CHECK (position_seconds >= 0),
    duration_seconds integer CHECK (duration_seconds >= 0),
    completed boolean NOT NULL DEFAULT false,
    session_id uuid,
    sequence bigint CHECK (sequence >= 0),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    last_watched_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, movie_id),
    CHECK ((session_id IS NULL) = (sequence IS NULL))
);

COMMENT ON COLUMN watch_progress.session_id IS 'With sequence: the latest ordered report';
COMMENT ON COLUMN watch_progress.version IS 'Counts the changes of the row; caches keep the greatest';

CREATE INDEX watch_progress_movie_id ON watch_progress (movie_id);
CREATE INDEX watch_progress_to_continue
    ON watch_progress (user_id, last_watched_at DESC) WHERE NOT completed;

CREATE TABLE stream_sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    movie_id uuid NOT NULL,
    manifest_type varchar(8) NOT NULL,
    film_duration_seconds integer,
    started_at timestamptz NOT NULL,
    last_heartbeat_at timestamptz NOT NULL,
    ended_at timestamptz,
    duration_seconds integer,
    user_agent varchar(512),
    ip_address varchar(45)
);

COMMENT ON COLUMN stream_sessions.duration_seconds IS 'How long the session lasted';

CREATE INDEX stream_sessions_user_movie ON stream_sessions (user_id, movie_id, id DESC);
CREATE INDEX stream_sessions_movie_id ON stream_sessions (movie_id);
CREATE INDEX stream_sessions_open ON stream_sessions (last_heartbeat_at) WHERE ended_at IS NULL;

CREATE TABLE event_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE,
    topic varchar(249) NOT NULL,
    key varchar(64) NOT NULL,
    value text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
