"""Tables as after some months of operation, filled by SQL.

Every second of the last sessions is open, one in 200 of all. Each user has watched some films, each
film once.
"""

import hashlib
from typing import Any
from uuid import UUID

FILMS_PER_USER = 25
OPEN_SHARE = 200
SILENT = 200
USERS_WITH_MESSAGES = 500

_OUTBOX, _KEYS, _FILMS = 5_000, 100_000, 20_000
"""At most so many rows; smaller tables have fewer."""

# Loading is faster without indexes and without the log; plans do not depend on it.
_SECONDARY_INDEXES = """
    SELECT indexname AS name, indexdef AS definition
    FROM pg_indexes
    WHERE tablename IN ('stream_sessions', 'watch_progress') AND indexname NOT LIKE '%key'
"""

_SESSIONS = """
    INSERT INTO stream_sessions (
        id, user_id, movie_id, manifest_type, film_duration_seconds,
        started_at, last_heartbeat_at, ended_at, duration_seconds, last_sequence,
        player_agent, player_address
    )
    SELECT
        uuidv7(begun - now()), user_id, movie_id, 'hls', 5400, begun,
        CASE
            WHEN is_open THEN now() - random() * interval '10 seconds'
            ELSE begun + interval '1 hour'
        END,
        CASE WHEN NOT is_open THEN begun + interval '1 hour' END,
        CASE WHEN NOT is_open THEN 3600 END,
        360,
        'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0',
        '203.0.113.0'
    FROM (
        SELECT
            md5('user' || number * 7919 % {users})::uuid AS user_id,
            md5('film' || (number * 7919 % {users} * 31 + number / {users}) % {films})::uuid
                AS movie_id,
            now() - interval '29 days' * (1 - number / {sessions}::float8) AS begun,
            number % 2 = 0 AND number > {sessions} - 2 * {open} AS is_open
        FROM generate_series(1, {sessions}::bigint) AS number
    ) AS session
"""

_POSITIONS = """
    INSERT INTO watch_progress (
        id, user_id, movie_id, position_seconds, duration_seconds, completed, session_id, sequence,
        version, created_at, updated_at, last_watched_at
    )
    SELECT
        id, user_id, movie_id, (random() * 5400)::integer, 5400, random() < 0.6, id, 360,
        360, started_at, last_heartbeat_at, last_heartbeat_at
    FROM stream_sessions
"""

_SILENCE = """
    UPDATE stream_sessions
    SET last_heartbeat_at = last_heartbeat_at - interval '10 minutes'
    WHERE id IN (
        SELECT id FROM stream_sessions WHERE ended_at IS NULL ORDER BY user_id LIMIT {silent}
    )
"""

_REFRESH = """
    UPDATE stream_sessions
    SET last_heartbeat_at = now() - random() * interval '10 seconds'
    WHERE ended_at IS NULL;
    UPDATE idempotency_keys
    SET created_at = created_at + (SELECT now() - max(created_at) FROM idempotency_keys)
"""

_OTHERS = """
    INSERT INTO films (movie_id, is_there, duration_seconds, checked_at)
    SELECT md5('film' || film)::uuid, film % 100 > 0, 5400, now() - random() * interval '2 hours'
    FROM generate_series(0, {films} - 1) AS film;
    INSERT INTO event_outbox (event_id, topic, key, value, created_at)
    SELECT
        gen_random_uuid(), 'stream.stop', md5('user' || number % {waiting})::uuid::text,
        repeat('x', 300), now() - interval '1 minute'
    FROM generate_series(1, {outbox}) AS number;
    INSERT INTO event_dead_letters (event_id, topic, key, value, created_at, attempts, error)
    SELECT event_id, topic, key, value, created_at, 10, 'refused' FROM event_outbox LIMIT 1000;
    INSERT INTO idempotency_keys (
        user_id, key, fingerprint, session_id, event_id, created_at, running_until, completed_at
    )
    SELECT
        md5('user' || number % {users})::uuid, 'key ' || number, repeat('f', 64),
        gen_random_uuid(), gen_random_uuid(), at, at, at
    FROM (
        SELECT number, now() - interval '25 hours' * (number / {keys}::float8) AS at
        FROM generate_series(1, {keys}) AS number
    ) AS start
"""


def fill(connection: Any, sessions: int) -> None:
    """Fill the empty tables of an administrator's ``connection`` with so many sessions."""
    counts = {
        "sessions": sessions,
        "users": users_of(sessions),
        "open": max(SILENT, sessions // OPEN_SHARE),
        "silent": SILENT,
        "waiting": USERS_WITH_MESSAGES,
        "films": min(_FILMS, sessions // 10),
        "outbox": min(_OUTBOX, sessions // 100),
        "keys": min(_KEYS, sessions // 10),
    }
    indexes = connection.run(_SECONDARY_INDEXES)
    connection.run("SET maintenance_work_mem = '512MB'")
    for table in ("stream_sessions", "watch_progress"):
        connection.run(f"ALTER TABLE {table} SET UNLOGGED")
    for name, _ in indexes:
        connection.run(f"DROP INDEX {name}")
    connection.run("ALTER TABLE watch_progress DROP CONSTRAINT watch_progress_user_id_movie_id_key")
    for statement in (_SESSIONS, _POSITIONS):
        connection.run(statement.format(**counts))
    connection.run("ALTER TABLE watch_progress ADD UNIQUE (user_id, movie_id)")
    for _, definition in indexes:
        connection.run(definition)
    for statement in (_SILENCE, _OTHERS):
        connection.run(statement.format(**counts))
    connection.run("VACUUM (ANALYZE, PARALLEL 0)")


def refresh(connection: Any) -> None:
    """Make the tables of an earlier run as they were when they had been filled."""
    for statement in (_REFRESH, _SILENCE.format(silent=SILENT)):
        connection.run(statement)
    connection.run("VACUUM (ANALYZE, PARALLEL 0)")


def is_empty(connection: Any) -> bool:
    """Return whether the tables have not been filled yet."""
    return not connection.run("SELECT 1 FROM stream_sessions LIMIT 1")


def users_of(sessions: int) -> int:
    """Return how many users there are."""
    return sessions // FILMS_PER_USER


def user(number: int) -> UUID:
    """Return the id of a user."""
    return _of(f"user{number}")


def film(number: int) -> UUID:
    """Return the id of a film."""
    return _of(f"film{number}")


def _of(text: str) -> UUID:
    return UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())
