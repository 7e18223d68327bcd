-- The events of docs/events/asyncapi.yaml, each once, and the records that cannot be counted.
--
-- A record passes through two tables without rows (ENGINE = Null): `records` has what Kafka delivered, and
-- `parsed` its fields and the reason why it cannot be counted, if any. The rules are those of
-- streaming/events/viewing.py.

CREATE DATABASE IF NOT EXISTS viewing ENGINE = Atomic;

CREATE TABLE viewing.records (
    message String,
    topic String,
    kafka_partition UInt64,
    kafka_offset UInt64,
    sent_ms Int64
)
ENGINE = Null;

CREATE TABLE viewing.parsed (
    reason String,
    movie_id UUID,
    day Date,
    session String,
    event_id UUID,
    user_id UUID,
    kind UInt8,
    at_ms Int64,
    position_seconds Nullable(Int64),
    duration_seconds Nullable(Int64),
    manifest_type Nullable(String),
    device Nullable(String),
    sent_ms Int64,
    message String,
    topic String,
    kafka_partition UInt64,
    kafka_offset UInt64
)
ENGINE = Null;

-- A repeat has the same session and event_id, so it replaces the event or is replaced by it, in whatever batch it
-- arrives. The first in its partition remains: the version falls with the offset. Reports without a session form
-- one for each user, film and day. Kinds: 1 start, 2 progress, 3 stop, 4 abandoned, 5 taken over.
CREATE TABLE viewing.events (
    movie_id UUID,
    day Date COMMENT 'When the session started, in UTC',
    session String,
    event_id UUID,
    user_id UUID,
    kind UInt8,
    at_ms Int64 COMMENT 'When it happened, in Unix milliseconds',
    position_seconds Nullable(Int64),
    duration_seconds Nullable(Int64) COMMENT 'The duration of the film',
    manifest_type Nullable(String),
    device Nullable(String),
    sent_ms Int64,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (movie_id, day, session, event_id)
TTL day + toIntervalDay(400);

-- Whose each session is: the user and film of the event that was sent first.
CREATE TABLE viewing.owners (
    day Date,
    session String,
    owner AggregateFunction(argMin, Tuple(UUID, UUID), Tuple(Int64, UUID))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, session)
TTL day + toIntervalDay(400);

-- The sessions of erased users (erase.sql): a repeat, or a replay of the topics, has the random id instead.
CREATE TABLE viewing.aliases (
    session String,
    alias UUID
)
ENGINE = Join(ANY, LEFT, session);

-- Which days of which films have new events.
CREATE TABLE viewing.touched (
    movie_id UUID,
    day Date,
    touched_at DateTime64(3)
)
ENGINE = ReplacingMergeTree(touched_at)
ORDER BY (movie_id, day)
TTL day + toIntervalDay(400);

CREATE TABLE viewing.dead_letters (
    topic String,
    kafka_partition UInt64,
    kafka_offset UInt64,
    reason String,
    message String COMMENT 'The beginning of the value',
    died_at DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, kafka_partition, kafka_offset)
TTL died_at + toIntervalDay(400);

CREATE MATERIALIZED VIEW viewing.parse_records TO viewing.parsed AS
WITH
    toUUID('00000000-0000-0000-0000-000000000000') AS all_films,
    toInt64(86400000) AS day_ms,
    toInt64(1577836800000) AS first_ms, -- 2020
    JSONExtractString(message, 'event_id') AS event_text,
    if(length(event_text) = 36, toUUIDOrNull(event_text), NULL) AS found_event,
    JSONExtractString(message, 'user_id') AS user_text,
    if(length(user_text) = 36, toUUIDOrNull(user_text), NULL) AS found_user,
    JSONExtractString(message, 'movie_id') AS movie_text,
    if(length(movie_text) = 36, toUUIDOrNull(movie_text), NULL) AS found_movie,
    JSONExtractString(message, 'action') AS action,
    JSONExtractString(message, 'reason') AS why_ended,
    toUInt8(multiIf(
        action = 'stream_start', 1,
        action = 'stream_progress', 2,
        action != 'stream_stop', 0,
        why_ended = 'abandoned', 4,
        why_ended = 'taken_over', 5,
        3
    )) AS found_kind,
    JSONExtractString(message, 'timestamp') AS time_text,
    -- The function reads other formats than those of ISO 8601, too.
    if(
        match(time_text, '^\\d{4}-?\\d{2}-?\\d{2}($|[T ]([01]\\d|2[0-3]))'),
        parseDateTime64BestEffortOrNull(time_text, 3, 'UTC'),
        NULL
    ) AS found_time,
    JSONExtractFloat(message, 'age_seconds') AS age_seconds,
    NOT JSONHas(message, 'age_seconds') OR (
        toString(JSONType(message, 'age_seconds')) IN ('Int64', 'UInt64', 'Double')
        AND age_seconds >= 0 AND age_seconds <= 2678400
    ) AS is_age_allowed,
    ifNull(toUnixTimestamp64Milli(found_time), toInt64(0))
        - if(is_age_allowed, toInt64(round(age_seconds * 1000)), toInt64(0)) AS made_ms,
    toString(JSONType(message, 'session_id')) != 'Null' AS has_session,
    JSONExtractString(message, 'session_id') AS named_session,
    if(length(named_session) = 36, toUUIDOrNull(named_session), NULL) AS found_session,
    ifNull(toString(found_session), '') AS session_text,
    -- The first 48 bits of a UUIDv7 are when it was made.
    toInt64(reinterpretAsUInt64(reverse(unhex(substring(replaceAll(session_text, '-', ''), 1, 12)))))
        AS session_ms,
    if(has_session, session_ms, made_ms) AS started_ms,
    JSONExtractFloat(message, 'position_seconds') AS found_position,
    toString(JSONType(message, 'position_seconds')) AS position_type,
    JSONExtractFloat(message, 'duration_seconds') AS found_duration,
    toString(JSONType(message, 'duration_seconds')) AS duration_type,
    JSONExtractString(message, 'manifest_type') AS found_manifest,
    JSONExtractString(message, 'device') AS found_device
SELECT
    multiIf(
        length(message) > 65536, 'the value is larger than 65536 bytes',
        NOT isValidJSON(message), 'the value is not JSON',
        toString(JSONType(message)) != 'Object', 'the value is not a JSON object',
        found_user IS NULL, 'user_id is not a UUID',
        found_movie IS NULL, 'movie_id is not a UUID',
        found_movie = all_films, 'movie_id is no film\'s',
        found_kind = 0, 'action is unknown',
        toString(JSONType(message, 'timestamp')) != 'String', 'timestamp is not text',
        found_time IS NULL, 'timestamp is not a time of ISO 8601',
        NOT is_age_allowed, 'age_seconds is not allowed',
        made_ms > sent_ms + 3600000, 'timestamp is in the future',
        made_ms < greatest(sent_ms - 31 * day_ms, first_ms), 'timestamp is too old',
        has_session AND found_session IS NULL, 'session_id is not a UUID',
        has_session AND (
            NOT match(session_text, '^.{14}7.{4}[89ab]')
            OR session_ms < first_ms OR session_ms > made_ms + day_ms
        ), 'session_id is no UUIDv7 of the event\'s time',
        has_session AND session_ms < sent_ms - 370 * day_ms, 'the session\'s data have been deleted',
        found_event IS NULL, 'event_id is not a UUID',
        position_type != 'Null' AND (
            position_type NOT IN ('Int64', 'UInt64', 'Double')
            OR found_position < 0 OR found_position > 604800 OR found_position != floor(found_position)
        ), 'position_seconds is not a number of whole seconds',
        found_kind = 1 AND duration_type != 'Null' AND (
            duration_type NOT IN ('Int64', 'UInt64', 'Double')
            OR found_duration < 0 OR found_duration > 604800 OR found_duration != floor(found_duration)
        ), 'duration_seconds is not a number of whole seconds',
        ''
    ) AS reason,
    ifNull(found_movie, all_films) AS movie_id,
    addDays(toDate('1970-01-01'), intDiv(started_ms, day_ms)) AS day,
    if(
        has_session,
        session_text,
        lower(hex(MD5(concat(
            toString(ifNull(found_user, all_films)), toString(ifNull(found_movie, all_films)),
            toString(intDiv(made_ms, day_ms))
        ))))
    ) AS session,
    ifNull(found_event, all_films) AS event_id,
    ifNull(joinGetOrNull('viewing.aliases', 'alias', session), ifNull(found_user, all_films)) AS user_id,
    found_kind AS kind,
    -- A report is not made before its session starts; the clocks of players differ.
    if(has_session, greatest(made_ms, session_ms), made_ms) AS at_ms,
    if(position_type = 'Null', NULL, toInt64(found_position)) AS position_seconds,
    if(found_kind = 1 AND found_duration > 0, toInt64(found_duration), NULL) AS duration_seconds,
    if(found_kind = 1 AND found_manifest IN ('hls', 'dash'), found_manifest, NULL) AS manifest_type,
    if(
        found_kind = 1 AND found_device IN ('desktop', 'mobile', 'tablet', 'tv', 'other'),
        found_device,
        NULL
    ) AS device,
    sent_ms,
    message,
    topic,
    kafka_partition,
    kafka_offset
FROM viewing.records;

CREATE MATERIALIZED VIEW viewing.keep_events TO viewing.events AS
SELECT
    movie_id, day, session, event_id, user_id, kind, at_ms, position_seconds, duration_seconds, manifest_type,
    device, sent_ms, bitNot(kafka_offset) AS version
FROM viewing.parsed
WHERE reason = '';

CREATE MATERIALIZED VIEW viewing.keep_owners TO viewing.owners AS
SELECT day, session, argMinState((user_id, movie_id), (sent_ms, event_id)) AS owner
FROM viewing.parsed
WHERE reason = ''
GROUP BY day, session;

CREATE MATERIALIZED VIEW viewing.touch_days TO viewing.touched AS
SELECT DISTINCT movie_id, day, now64(3) AS touched_at
FROM viewing.parsed
WHERE reason = '';

CREATE MATERIALIZED VIEW viewing.keep_dead_letters TO viewing.dead_letters AS
SELECT topic, kafka_partition, kafka_offset, reason, substring(message, 1, 4096) AS message
FROM viewing.parsed
WHERE reason != '';
