"""The rows of ``stream_sessions``: the sessions of users, open and ended.

Each function runs within the caller's transaction. A transaction that changes a session and a
position locks the session first, so a report and the end of its session cannot deadlock.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from streaming.domain.progress import Report
from streaming.domain.sessions import NewSession
from streaming.events.event import Message
from streaming.repository import outbox_inserts
from streaming.repository.pipeline_connection import Statement
from streaming.repository.transaction import Transaction

_INSERT = """
    INSERT INTO stream_sessions (
        id, user_id, movie_id, manifest_type, film_duration_seconds,
        started_at, last_heartbeat_at, player_agent, player_address
    )
    VALUES (
        :id, :user_id, :movie_id, :manifest_type, :film_duration_seconds,
        :started_at, :started_at, :user_agent, :ip_address
    )
    ON CONFLICT (id) DO NOTHING
    RETURNING id
"""

_OPEN = f"""
    WITH opened AS ({_INSERT})
    {outbox_inserts.insert_from("opened")}
"""

_LOCK_LATEST = """
    SELECT id
    FROM stream_sessions
    WHERE user_id = :user_id AND movie_id = :movie_id AND ended_at IS NULL
    ORDER BY id DESC
    LIMIT 1
    FOR NO KEY UPDATE
"""

_LOCK_LATEST_ABANDONED = """
    SELECT id
    FROM stream_sessions
    WHERE id = (
        SELECT id
        FROM stream_sessions
        WHERE user_id = :user_id AND movie_id = :movie_id
        ORDER BY id DESC
        LIMIT 1
    )
        AND end_reason = 'abandoned'
        AND last_heartbeat_at > :since
    FOR NO KEY UPDATE
"""

_SELECT = """
    SELECT id AS session_id, movie_id, started_at, last_heartbeat_at
    FROM stream_sessions
    WHERE user_id = :user_id AND id = ANY(CAST(:ids AS uuid[]))
"""

_SELECT_OPEN = """
    SELECT last_heartbeat_at
    FROM stream_sessions
    WHERE user_id = :user_id AND id = :session_id AND ended_at IS NULL
"""

# A report without a session's id reopens an abandoned session only if that is recent.
_LONGEST_PAUSE_WITHOUT_ID = timedelta(days=1)


def insert(session: NewSession) -> Statement:
    """Insert ``session`` unless it exists already; return a row if it was inserted."""
    return Statement(_INSERT, _columns(session), keeps_plan=True)


def insert_with_event(session: NewSession, message: Message) -> Statement:
    """Insert ``session`` unless it exists already, and ``message`` into the outbox with it.

    Returns a row if they were inserted: whether the outbox has no older messages of the key.
    """
    values = {**_columns(session), **outbox_inserts.values_of(message)}
    return Statement(_OPEN, values, keeps_plan=True)


def lock_latest(transaction: Transaction, report: Report) -> UUID | None:
    """Lock the user's latest open session of the film of ``report``; return its id."""
    row = transaction.row(_LOCK_LATEST, user_id=report.user_id, movie_id=report.movie_id)
    return row["id"] if row else None


def lock_latest_abandoned(transaction: Transaction, report: Report) -> UUID | None:
    """Lock the user's latest session of the film; return its id if it was abandoned in a day."""
    row = transaction.row(
        _LOCK_LATEST_ABANDONED,
        user_id=report.user_id,
        movie_id=report.movie_id,
        since=report.reported_at - _LONGEST_PAUSE_WITHOUT_ID,
    )
    return row["id"] if row else None


def select(user_id: UUID, session_ids: Sequence[UUID]) -> Statement:
    """Select those of these sessions that exist and belong to the user."""
    return Statement(_SELECT, {"user_id": user_id, "ids": [str(each) for each in session_ids]})


def select_open(user_id: UUID, session_id: UUID) -> Statement:
    """Select the last heartbeat of the user's session; no row unless it is open."""
    values = {"user_id": user_id, "session_id": session_id}
    return Statement(_SELECT_OPEN, values, keeps_plan=True)


def _columns(session: NewSession) -> dict[str, Any]:
    return {
        "id": session.id,
        "user_id": session.user_id,
        "movie_id": session.movie_id,
        "manifest_type": session.manifest_type,
        "film_duration_seconds": session.film_duration_seconds,
        "started_at": session.started_at,
        "user_agent": session.user_agent,
        "ip_address": session.ip_address,
    }
