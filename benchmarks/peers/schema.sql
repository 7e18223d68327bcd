-- The tables of a peer, in its own database.
CREATE TABLE stream_sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    movie_id uuid NOT NULL,
    manifest_type text NOT NULL,
    film_duration_seconds integer,
    started_at timestamptz NOT NULL,
    last_heartbeat_at timestamptz NOT NULL,
    ended_at timestamptz,
    last_sequence bigint,
    user_agent text,
    ip_address text
);

CREATE INDEX stream_sessions_of_user ON stream_sessions (user_id, movie_id, started_at);

-- For a job that ends sessions whose player has stopped reporting.
CREATE INDEX stream_sessions_open ON stream_sessions (last_heartbeat_at) WHERE ended_at IS NULL;

CREATE TABLE watch_progress (
    user_id uuid NOT NULL,
    movie_id uuid NOT NULL,
    position_seconds integer NOT NULL,
    duration_seconds integer,
    completed boolean NOT NULL,
    completed_at timestamptz,
    times_completed integer NOT NULL,
    session_id uuid,
    last_watched_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, movie_id)
);

-- For the list of films to continue.
CREATE INDEX watch_progress_of_user ON watch_progress (user_id, last_watched_at DESC);
