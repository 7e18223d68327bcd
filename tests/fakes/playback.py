"""Sessions and positions, saved together in memory."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from streaming.domain.errors import MovieNotFound, SessionEnded
from streaming.domain.idempotency import IdempotencyKey
from streaming.domain.progress import RecordedReport, Report, SavedProgress
from streaming.domain.sessions import (
    ClosedSession,
    EndedSession,
    LiveSession,
    NewSession,
    RepeatedStart,
)
from streaming.events.event import Message, StreamEvent, key_of
from streaming.repository.outbox_inserts import MessageOf
from streaming.repository.playback import OpenedSession, Playback
from tests.fakes import films, idempotency, outbox, progress, sessions
from tests.fakes.record import MemoryRecord, SessionRow

_MOST_UNCONFIRMED_FILMS = 20


class MemoryPlayback(Playback):
    """The sessions of a ``MemoryRecord``."""

    def __init__(self, record: MemoryRecord) -> None:
        self._record = record

    def open_session(
        self,
        session: NewSession,
        event: StreamEvent,
        message_of: MessageOf,
        key: IdempotencyKey | None = None,
        taken_over: Sequence[UUID] = (),
    ) -> OpenedSession:
        """Insert ``session`` with its event, once, and end those that are ``taken_over``."""
        record, user_id, at = self._record, session.user_id, session.started_at
        with record.transaction():
            closed = sessions.take_over(record, user_id, taken_over, at)
            events = [StreamEvent.of_end(each) for each in closed]
            if sessions.insert(record, session):
                events.append(event)
            messages = outbox.insert_events(record, events, message_of)
            if key is not None:
                idempotency.complete(record, user_id, key, session.id)
            films.keep(record, session.movie_id, session.film_duration_seconds, at)
            return OpenedSession(progress.find(record, user_id, session.movie_id), messages)

    def refuse_opened(
        self, user_id: UUID, session_id: UUID, at: datetime, message_of: MessageOf
    ) -> Sequence[Message]:
        """End a session that was taken over before its start was complete, and release its key."""
        with self._record.transaction():
            closed = sessions.take_over(self._record, user_id, [session_id], at)
            idempotency.forget(self._record, user_id, session_id)
            events = [StreamEvent.of_end(each) for each in closed]
            return outbox.insert_events(self._record, events, message_of)

    def find_repeated(self, user_id: UUID, movie_id: UUID, session_id: UUID) -> RepeatedStart:
        """Return the state for the repeat of a start. Raises ``SessionEnded``."""
        with self._record.transaction():
            session = self._record.sessions.get(session_id)
            if session is None or session.user_id != user_id or session.ended_at:
                raise SessionEnded("the session that was started with this key has ended")
            saved = progress.find(self._record, user_id, movie_id)
            return RepeatedStart(saved, session.last_heartbeat_at)

    def find_sessions(self, user_id: UUID, session_ids: Sequence[UUID]) -> list[LiveSession]:
        """Return those of these sessions that exist and belong to the user, in any order."""
        with self._record.transaction():
            return [
                LiveSession(row.id, row.movie_id, row.started_at, row.last_heartbeat_at)
                for row in self._record.sessions.values()
                if row.user_id == user_id and row.id in session_ids
            ]

    def record_report(self, report: Report) -> RecordedReport:
        """Save the position of ``report`` and count it as its session's heartbeat."""
        record, place = self._record, (report.user_id, report.movie_id)
        with record.transaction():
            is_next = not outbox.has_messages_of(record, key_of(report.user_id))
            session = sessions.find(record, report) or sessions.find_abandoned(record, report)
            session_id = session.id if session else None
            has_ended = bool(session and session.ended_at and session.end_reason != "abandoned")
            saved = None if has_ended else self._save_position(report, session)
            if session and not has_ended:
                sessions.count_heartbeat(record, session, report.reported_at)
            on_record = progress.find(record, *place)
            is_repeat = bool(
                report.order
                and on_record
                and on_record.order == report.order
                and on_record.position_seconds == report.position_seconds
            )
            return RecordedReport(
                on_record,
                applied=saved is not None,
                session_id=session_id,
                session_ended=has_ended,
                is_event_due=saved is not None or is_repeat,
                is_event_next=is_next,
            )

    def end_session(
        self, report: Report, stop_message: Callable[[UUID], Message | None]
    ) -> EndedSession:
        """End the session of ``report``, or the user's latest open one, and save the position."""
        record = self._record
        with record.transaction():
            session = sessions.find(record, report)
            saved = self._save_position(report, session)
            applied = saved is not None
            on_record = progress.find(record, report.user_id, report.movie_id)
            assert on_record is not None
            if session is None:
                return EndedSession(on_record, None, None, ended_now=False, applied=applied)
            if session.ended_at:
                sessions.keep_ended(record, session)
                lasted = session.duration_seconds
                return EndedSession(on_record, session.id, lasted, ended_now=False, applied=applied)
            lasted = sessions.end(record, session, report.reported_at)
            message = stop_message(session.id)
            is_next = message is not None and outbox.insert(record, [message])
            return EndedSession(
                on_record,
                session.id,
                lasted,
                ended_now=True,
                applied=applied,
                event_is_next=is_next,
            )

    def end_abandoned(
        self, silent_since: datetime, limit: int, message_of: MessageOf
    ) -> list[ClosedSession]:
        """End at most ``limit`` sessions without a heartbeat since ``silent_since``."""
        with self._record.transaction():
            ended = sessions.end_silent(self._record, silent_since, limit)
            events = [StreamEvent.of_end(session) for session in ended]
            outbox.insert_events(self._record, events, message_of)
            return ended

    def _save_position(self, report: Report, session: SessionRow | None) -> SavedProgress | None:
        user_id, movie_id, at = report.user_id, report.movie_id, report.reported_at
        if session is None and not films.admit(
            self._record, user_id, movie_id, at, _MOST_UNCONFIRMED_FILMS
        ):
            raise MovieNotFound("nobody has ever started such a film")
        started_at = session.started_at if session and report.session_id else None
        film = self._record.films.get(movie_id)
        duration = film.duration_seconds if film else None
        if session is not None:
            duration = session.film_duration_seconds
        return progress.save(self._record, report, started_at, duration)
