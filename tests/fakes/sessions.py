"""The rows of ``stream_sessions``, in memory."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from uuid import UUID

from streaming.domain.errors import SessionNotFound
from streaming.domain.progress import Report
from streaming.domain.sessions import ClosedSession, EndReason, NewSession
from tests.fakes.record import MemoryRecord, SessionRow

_LONGEST_PAUSE_WITHOUT_ID = timedelta(days=1)


def insert(record: MemoryRecord, session: NewSession) -> bool:
    """Insert ``session``, once; return whether it is new."""
    if session.id in record.sessions:
        return False
    record.sessions[session.id] = SessionRow(
        id=session.id,
        user_id=session.user_id,
        movie_id=session.movie_id,
        manifest_type=session.manifest_type,
        film_duration_seconds=session.film_duration_seconds,
        started_at=session.started_at,
        last_heartbeat_at=session.started_at,
        user_agent=session.user_agent,
        ip_address=session.ip_address,
    )
    return True


def find(record: MemoryRecord, report: Report) -> SessionRow | None:
    """Return the session of ``report``, or else the user's latest open one of the film.

    Raises ``SessionNotFound`` if the user has no such session of the film.
    """
    own = _of_film(record, report)
    if report.session_id is None:
        return max((row for row in own if not row.ended_at), key=attrgetter("id"), default=None)
    for row in own:
        if row.id == report.session_id:
            return row
    raise SessionNotFound("the user has no such session of this film")


def find_abandoned(record: MemoryRecord, report: Report) -> SessionRow | None:
    """Return the user's latest session of the film if it was abandoned within a day."""
    latest = max(_of_film(record, report), key=attrgetter("id"), default=None)
    since = report.reported_at - _LONGEST_PAUSE_WITHOUT_ID
    if latest and latest.end_reason == "abandoned" and latest.last_heartbeat_at > since:
        return latest
    return None


def count_heartbeat(record: MemoryRecord, session: SessionRow, at: datetime) -> None:
    """Record a heartbeat of ``session``; reopen an abandoned one."""
    row = record.sessions[session.id]
    record.sessions[row.id] = replace(
        row,
        last_heartbeat_at=max(row.last_heartbeat_at, at),
        ended_at=None,
        end_reason=None,
        duration_seconds=None,
    )


def end(record: MemoryRecord, session: SessionRow, at: datetime) -> int:
    """End ``session`` after a stop; return its duration in seconds."""
    row = _end(record, session.id, at, None)
    heard_at = max(row.last_heartbeat_at, at)
    record.sessions[row.id] = replace(row, last_heartbeat_at=heard_at)
    assert row.duration_seconds is not None
    return row.duration_seconds


def keep_ended(record: MemoryRecord, session: SessionRow) -> None:
    """Make the end of ``session`` permanent, so that a late report does not reopen it."""
    record.sessions[session.id] = replace(record.sessions[session.id], end_reason=None)


def end_silent(record: MemoryRecord, silent_since: datetime, limit: int) -> list[ClosedSession]:
    """End at most ``limit`` sessions that have been silent since ``silent_since``."""
    silent = [
        row
        for row in record.sessions.values()
        if not row.ended_at and row.last_heartbeat_at < silent_since
    ]
    silent.sort(key=attrgetter("id"))
    ended = [_close(record, row.id, row.last_heartbeat_at, "abandoned") for row in silent[:limit]]
    return sorted(ended, key=attrgetter("ended_at"))


def take_over(
    record: MemoryRecord, user_id: UUID, session_ids: Iterable[UUID], at: datetime
) -> list[ClosedSession]:
    """End those of these sessions that are open and belong to the user, oldest first."""
    rows = [record.sessions.get(session_id) for session_id in sorted(set(session_ids))]
    return [
        _close(record, row.id, at, "taken_over")
        for row in rows
        if row and row.user_id == user_id and not row.ended_at
    ]


def _of_film(record: MemoryRecord, report: Report) -> list[SessionRow]:
    place = report.user_id, report.movie_id
    return [row for row in record.sessions.values() if (row.user_id, row.movie_id) == place]


def _close(
    record: MemoryRecord, session_id: UUID, at: datetime, reason: EndReason
) -> ClosedSession:
    row = _end(record, session_id, at, reason)
    saved = record.positions.get((row.user_id, row.movie_id))
    position = saved.position_seconds if saved else None
    ended_at = row.ended_at or at
    return ClosedSession(row.id, row.user_id, row.movie_id, ended_at, position, reason)


def _end(
    record: MemoryRecord, session_id: UUID, at: datetime, reason: EndReason | None
) -> SessionRow:
    row = record.sessions[session_id]
    ended_at = max(row.started_at, at)
    lasted = ended_at - row.started_at
    # PostgreSQL rounds half a second up.
    seconds = (lasted + timedelta(milliseconds=500)) // timedelta(seconds=1)
    ended = replace(row, ended_at=ended_at, end_reason=reason, duration_seconds=seconds)
    record.sessions[session_id] = ended
    return ended
