"""The positions of users in films, in memory."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from streaming.domain.progress import COMPLETED_AT, Report, ReportOrder, SavedProgress
from streaming.repository.progress import ProgressRecord
from tests.fakes.record import MemoryRecord


class MemoryProgressRecord(ProgressRecord):
    """The positions of a ``MemoryRecord``."""

    def __init__(self, record: MemoryRecord) -> None:
        self._record = record

    def find(self, user_id: UUID, movie_id: UUID) -> SavedProgress | None:
        """Return the user's progress in the film, with the film's present duration, or None."""
        with self._record.transaction():
            return find(self._record, user_id, movie_id)

    def find_to_continue(
        self, user_id: UUID, limit: int, min_seconds: int, min_share: float
    ) -> list[SavedProgress]:
        """Return the user's started and not completed films, newest first, at most ``limit``."""
        with self._record.transaction():
            begun = [
                _as_read(self._record, saved)
                for saved in self._record.positions.values()
                if saved.user_id == user_id
                and not saved.completed
                and not saved.is_removed
                and self._is_there(saved.movie_id)
            ]
            begun = [
                saved
                for saved in begun
                if saved.position_seconds >= _least_position(saved, min_seconds, min_share)
            ]
            return sorted(begun, key=lambda saved: saved.last_watched_at, reverse=True)[:limit]

    def remove(self, user_id: UUID, movie_id: UUID, at: datetime) -> SavedProgress | None:
        """Delete the user's position in the film; return the changed record, if there is one."""
        with self._record.transaction():
            saved = self._record.positions.get((user_id, movie_id))
            if saved is None:
                return None
            removed = replace(
                saved,
                position_seconds=0,
                is_removed=True,
                version=saved.version + 1,
                last_watched_at=max(saved.last_watched_at, at),
            )
            self._record.positions[user_id, movie_id] = removed
            return _as_read(self._record, removed)

    def _is_there(self, movie_id: UUID) -> bool:
        film = self._record.films.get(movie_id)
        if film is None:
            return any(row.movie_id == movie_id for row in self._record.sessions.values())
        return bool(film.is_there)


def save(
    record: MemoryRecord,
    report: Report,
    session_started_at: datetime | None,
    film_duration_seconds: int | None,
) -> SavedProgress | None:
    """Save the position of ``report``; return None if the saved position is newer."""
    order = report.order
    if order is not None and not _note_sequence(record, order):
        return None
    made_at = report.made_at(session_started_at)
    place = report.user_id, report.movie_id
    saved = record.positions.get(place)
    if saved is None:
        saved = SavedProgress(*place, 0, made_at, None, completed=False, order=None, version=0)
    elif not _was_watched_later(report, made_at, saved):
        return None
    duration = saved.duration_seconds if film_duration_seconds is None else film_duration_seconds
    is_at_end = _is_at_end(report.position_seconds, duration)
    was_at_end = saved.completed and _is_at_end(saved.position_seconds, saved.duration_seconds)
    is_completed_now = is_at_end and not was_at_end
    record.positions[place] = replace(
        saved,
        position_seconds=report.position_seconds,
        last_watched_at=max(made_at, saved.last_watched_at),
        duration_seconds=duration,
        completed=saved.completed or is_at_end,
        completed_at=made_at if is_completed_now else saved.completed_at,
        times_completed=saved.times_completed + is_completed_now,
        is_removed=False,
        order=order or saved.order,
        version=saved.version + 1,
    )
    return find(record, *place)


def find(record: MemoryRecord, user_id: UUID, movie_id: UUID) -> SavedProgress | None:
    """Return the user's progress in the film, with the film's present duration, or None."""
    saved = record.positions.get((user_id, movie_id))
    return _as_read(record, saved) if saved else None


def _as_read(record: MemoryRecord, saved: SavedProgress) -> SavedProgress:
    film = record.films.get(saved.movie_id)
    duration = film.duration_seconds if film else None
    return replace(saved, film_duration_seconds=duration, recorded_at=record.now())


def _note_sequence(record: MemoryRecord, order: ReportOrder) -> bool:
    """Store the sequence of a session's report; False if it is not greater than the stored one."""
    session = record.sessions.get(order.session_id)
    if session is None:
        return False
    if session.last_sequence is not None and session.last_sequence >= order.sequence:
        return False
    record.sessions[session.id] = replace(session, last_sequence=order.sequence)
    return True


def _was_watched_later(report: Report, made_at: datetime, saved: SavedProgress) -> bool:
    order = report.order
    if order and saved.order and order.session_id == saved.order.session_id:
        return order.sequence > saved.order.sequence
    return not report.age_seconds or made_at >= saved.last_watched_at


def _is_at_end(position_seconds: int, duration_seconds: int | None) -> bool:
    if duration_seconds is None:
        return False
    return position_seconds >= Decimal(str(COMPLETED_AT)) * duration_seconds


def _least_position(saved: SavedProgress, min_seconds: int, min_share: float) -> float:
    duration = saved.film_duration_seconds
    if duration is None:
        duration = saved.duration_seconds
    return 1 if duration is None else min(min_seconds, min_share * duration)
