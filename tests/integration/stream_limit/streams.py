"""A user's streams: started, grown silent, and open in PostgreSQL."""

from typing import Any
from uuid import UUID

from redis import Redis

from tests.conftest import Rows
from tests.support.functions import Viewer

MINUTE = 60_000
SILENCE = """
    UPDATE stream_sessions
    SET last_heartbeat_at = now() - interval '1 hour'
    WHERE id = :id
"""


def start(viewer: Viewer, movie_id: UUID, **body: Any) -> str:
    """Start a film, which must succeed; return the session."""
    answer = viewer.start(movie_id, body or None)
    assert answer.status == 200, answer.body
    session_id: str = answer.json["session_id"]
    return session_id


def let_time_pass(redis: Redis, viewer: Viewer, milliseconds: int) -> None:
    """Set all counted heartbeats back."""
    key = f"streams:{viewer.user_id}"
    for session_id, stored in redis.hgetall(key).items():
        value = str(stored)
        sign = "-" if value.startswith("-") else ""
        at, *rest = value.removeprefix("-").split(":")
        redis.hset(key, session_id, ":".join([f"{sign}{int(at) - milliseconds}", *rest]))


def open_sessions(rows: Rows, viewer: Viewer) -> set[str]:
    """Return the user's open sessions in PostgreSQL."""
    statement = "SELECT id FROM stream_sessions WHERE user_id = :user AND ended_at IS NULL"
    return {str(row["id"]) for row in rows(statement, user=viewer.user_id)}
