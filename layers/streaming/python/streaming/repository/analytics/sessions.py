"""Stores the events of a batch, and adjusts the figures of their sessions.

Every figure of a session is a sum over its consecutive events, in the order of their times. A new
event changes only the terms next to it. The statement therefore takes the events around the new
ones, and subtracts their sum without the new ones from their sum with them: terms between old
events are in both. The figures then equal the sums over all events, in whatever order they arrive.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from streaming.domain.identifiers import milliseconds_of
from streaming.domain.viewing import DAY_MS, ViewingEvent, day_of
from streaming.repository.analytics.changes import (
    CHANGES_OF_BREAKDOWN,
    CHANGES_OF_DAYS,
    CHANGES_OF_MINUTES,
)
from streaming.repository.analytics.pairs import INTERVALS, PLAYS
from streaming.repository.analytics.totals import adjust
from streaming.repository.analytics.touched import FRESH, NEAR, SESSION
from streaming.repository.transaction import Row, Transaction

_WRITE = """
    inserted AS (
        INSERT INTO analytics_events (session_id, event_id, at_ms, kind, position_seconds)
        SELECT session_id, event_id, at_ms, kind, position_seconds FROM fresh
        ORDER BY session_id, at_ms
    ),
    watched AS MATERIALIZED (
        SELECT session_id, sum(sign * watched_ms) AS watched_ms FROM intervals GROUP BY session_id
    ),
    saved AS (
        INSERT INTO analytics_sessions AS stored (
            session_id, user_id, movie_id, is_started, manifest_type, device, duration_seconds,
            first_ms, last_ms, heard_ms, abandoned_ms, furthest_seconds, watched_ms
        )
        SELECT session_id, user_id, movie_id, is_started, manifest_type, device, duration_seconds,
            first_ms, last_ms, heard_ms, abandoned_ms, furthest_seconds, watched.watched_ms
        FROM session
        JOIN watched USING (session_id)
        ORDER BY session_id
        ON CONFLICT (session_id) DO UPDATE SET
            is_started = excluded.is_started,
            manifest_type = excluded.manifest_type,
            device = excluded.device,
            duration_seconds = excluded.duration_seconds,
            first_ms = excluded.first_ms,
            last_ms = excluded.last_ms,
            heard_ms = excluded.heard_ms,
            abandoned_ms = excluded.abandoned_ms,
            furthest_seconds = excluded.furthest_seconds,
            watched_ms = stored.watched_ms + excluded.watched_ms
    )
"""

_ADD = f"""
    WITH {FRESH}, {SESSION}, {NEAR}, {INTERVALS}, {PLAYS}, {_WRITE},
    {
    adjust(
        "analytics_days",
        ("day",),
        ("sessions", "abandoned_sessions", "watched_ms"),
        CHANGES_OF_DAYS,
    )
},
    {adjust("analytics_minutes", ("minute",), ("viewers",), CHANGES_OF_MINUTES)},
    {
    adjust(
        "analytics_breakdown", ("day", "dimension", "value"), ("sessions",), CHANGES_OF_BREAKDOWN
    )
}
    SELECT session.movie_id, session.user_id, session.day, plays.plays
    FROM (SELECT DISTINCT movie_id, user_id, day FROM session) AS session
    LEFT JOIN plays USING (movie_id, user_id, day)
"""  # noqa: S608

_FIND_OWNERS = """
    SELECT stored.session_id, stored.user_id, stored.movie_id, named.alias IS NOT NULL AS is_alias
    FROM unnest(CAST(:ids AS uuid[])) AS wanted (session_id)
    CROSS JOIN LATERAL (
        SELECT session_id, user_id, movie_id FROM analytics_sessions AS stored
        WHERE stored.session_id = wanted.session_id
        OFFSET 0
    ) AS stored
    LEFT JOIN analytics_aliases AS named ON named.session_id = stored.session_id
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """The user and the film of a stored session; no user if the user was erased."""

    user_id: UUID | None
    movie_id: UUID


def find_owners(transaction: Transaction, session_ids: Sequence[UUID]) -> dict[UUID, Owner]:
    """Return the owners of those sessions that are stored."""
    found = transaction.rows(_FIND_OWNERS, ids=[str(session_id) for session_id in session_ids])
    return {
        row["session_id"]: Owner(None if row["is_alias"] else row["user_id"], row["movie_id"])
        for row in found
    }


def add_events(transaction: Transaction, events: Iterable[ViewingEvent]) -> list[Row]:
    """Store the events that are not stored yet, and adjust the figures of their sessions.

    Return ``movie_id, user_id, day`` of these sessions, each once, and in ``plays`` how often each
    hundredth of the film was played more than before.
    """
    return transaction.rows(_ADD, events=json.dumps([_row(event) for event in events]))


@lru_cache
def _text_of_day(day_number: int) -> str:
    return str(day_of(day_number))


def _row(event: ViewingEvent) -> Row:
    return {
        "session_id": str(event.session_id),
        "event_id": str(event.event_id),
        "user_id": str(event.user_id),
        "movie_id": str(event.movie_id),
        "day": _text_of_day(milliseconds_of(event.session_id) // DAY_MS),
        "kind": int(event.kind),
        "at_ms": event.at_ms,
        "position_seconds": event.position_seconds,
        "manifest_type": event.manifest_type,
        "device": event.device,
        "duration_seconds": event.duration_seconds,
    }
