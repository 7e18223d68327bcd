"""Reads the servers' contents at the end of a history."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from redis import Redis

from streaming.repository.transaction import Row
from tests.histories.evidence import Event, Evidence, ProgressRow, SessionRow
from tests.histories.rig import Rig

_PROGRESS = """
    SELECT user_id, movie_id, position_seconds, duration_seconds, completed, session_id, sequence,
        version
    FROM watch_progress
    WHERE user_id = ANY(CAST(:users AS uuid[]))
"""

_SESSIONS = """
    SELECT id, user_id, movie_id, started_at, last_heartbeat_at, ended_at, end_reason,
        duration_seconds, player_agent AS user_agent, last_sequence
    FROM stream_sessions
    WHERE user_id = ANY(CAST(:users AS uuid[]))
"""

_OUTBOX = "SELECT topic, key, value FROM event_outbox WHERE key = ANY(:users) ORDER BY id"


def collect(
    rig: Rig, users: Collection[str], log: Path | None = None, began_at: float = 0.0
) -> Evidence:
    """Return the stored data about ``users``.

    ``log`` is the file to which the functions wrote since ``began_at``, in Unix seconds.
    """
    listed = list(users)
    progress = [ProgressRow(**_texts(row)) for row in rig.rows(_PROGRESS, users=listed)]
    sessions = [SessionRow(**_texts(row)) for row in rig.rows(_SESSIONS, users=listed)]
    outbox = [
        Event(row["topic"], row["key"], json.loads(row["value"]))
        for row in rig.rows(_OUTBOX, users=listed)
    ]
    rig.kafka_log.read()
    return Evidence(
        progress={(row.user_id, row.movie_id): row for row in progress},
        sessions={row.id: row for row in sessions},
        published=tuple(event for event in rig.kafka_log.events if event.key in users),
        outbox=tuple(outbox),
        cached=_cached(rig.redis.port, users),
        redis_failures=tuple(_failures_of_redis(log, began_at)) if log else (),
    )


def _failures_of_redis(log: Path, began_at: float) -> Iterator[float]:
    for line in log.read_text(errors="replace").splitlines():
        if not line.startswith("{"):
            continue
        logged = json.loads(line)
        if "_aws" not in logged:
            continue
        if logged.get("dependency") == "redis" or "StreamLimitNotEnforced" in logged:
            failed_at = logged["_aws"]["Timestamp"] / 1000
            if failed_at >= began_at:
                yield failed_at


def _cached(port: int, users: Collection[str]) -> dict[tuple[str, str], Any]:
    cached = {}
    with Redis(port=port, decode_responses=True) as redis:
        for user_id in users:
            for key in redis.scan_iter(f"progress:{user_id}:*"):
                movie_id = str(key).rpartition(":")[2]
                cached[user_id, movie_id] = json.loads(str(redis.get(key)))
    return cached


def _texts(row: Row) -> dict[str, Any]:
    """Return ``row`` with its identifiers as text."""
    names = ("id", "user_id", "movie_id", "session_id")
    return {
        name: str(value) if name in names and value is not None else value
        for name, value in row.items()
    }
