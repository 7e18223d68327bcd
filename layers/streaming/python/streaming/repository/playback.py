"""What playing a film changes on record, in one transaction: its session, position and events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from streaming.domain.errors import MovieNotFound, SessionEnded, SessionNotFound
from streaming.domain.idempotency import IdempotencyKey
from streaming.domain.progress import RecordedReport, Report, SavedProgress
from streaming.domain.sessions import (
    ClosedSession,
    EndedSession,
    LiveSession,
    NewSession,
    RepeatedStart,
    Session,
)
from streaming.events.event import Message, StreamEvent
from streaming.repository import closed_sessions, films, outbox
from streaming.repository import idempotency as idempotency_rows
from streaming.repository import progress as progress_rows
from streaming.repository import sessions as session_rows
from streaming.repository.database import Database
from streaming.repository.outbox import MessageOf
from streaming.repository.transaction import Transaction
from streaming.resilience.deadline import leaving

# What putting an event into the outbox and committing may take.
_COMMIT_SECONDS = 0.3
# In how many films may a user have a position that nobody knows of? Players that have started a
# film, and those of films that somebody else has, are not counted.
_MOST_UNCONFIRMED_FILMS = 20


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """What a start did. ``progress`` is the user's in the film, if any.

    ``next_messages`` are the events to send now, in order: none while older ones of the user wait.
    """

    progress: SavedProgress | None
    next_messages: Sequence[Message]


class Playback:
    """Opens, counts and ends sessions. Each method is a transaction.

    Raises ``DatabaseUnavailable``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_session(
        self,
        session: NewSession,
        event: StreamEvent,
        message_of: MessageOf,
        key: IdempotencyKey | None = None,
        taken_over: Sequence[UUID] = (),
    ) -> OpenedSession:
        """Insert ``session`` with its event, once, and complete the attempt with ``key``.

        Those of the user's sessions that are ``taken_over`` end in the same transaction.
        """

        def work(transaction: Transaction) -> OpenedSession:
            closed = closed_sessions.take_over(
                transaction, session.user_id, taken_over, session.started_at
            )
            events = [StreamEvent.of_end(each) for each in closed]
            if session_rows.insert(transaction, session):
                events.append(event)
            messages = outbox.insert_events(transaction, events, message_of)
            if key is not None:
                idempotency_rows.complete(transaction, session.user_id, key, session.id)
            films.keep(
                transaction, session.movie_id, session.film_duration_seconds, session.started_at
            )
            progress = progress_rows.find(transaction, session.user_id, session.movie_id)
            return OpenedSession(progress, messages)

        return self._database.run(work)

    def refuse_opened(
        self, user_id: UUID, session_id: UUID, at: datetime, message_of: MessageOf
    ) -> Sequence[Message]:
        """End a session that was taken over while it was opened; return the events to send now.

        Its start is refused, so its Idempotency-Key is free for another try.
        """

        def work(transaction: Transaction) -> Sequence[Message]:
            closed = closed_sessions.take_over(transaction, user_id, [session_id], at)
            idempotency_rows.forget(transaction, user_id, session_id)
            events = [StreamEvent.of_end(each) for each in closed]
            return outbox.insert_events(transaction, events, message_of)

        return self._database.run(work)

    def find_repeated(self, user_id: UUID, movie_id: UUID, session_id: UUID) -> RepeatedStart:
        """Return what the repeat of a start has to know. Raises ``SessionEnded``."""

        def work(transaction: Transaction) -> RepeatedStart:
            heard_at = session_rows.find_last_heartbeat(transaction, user_id, session_id)
            if heard_at is None:
                raise SessionEnded("the session that was started with this key has ended")
            return RepeatedStart(progress_rows.find(transaction, user_id, movie_id), heard_at)

        return self._database.read(work)

    def find_sessions(self, user_id: UUID, session_ids: Sequence[UUID]) -> list[LiveSession]:
        """Return those of the user's sessions that are on record, in any order."""
        return self._database.read(
            lambda transaction: session_rows.find(transaction, user_id, session_ids)
        )

    def record_report(
        self,
        report: Report,
        progress_message: Callable[[UUID | None], Message | None],
        send: Callable[[Message], bool],
    ) -> RecordedReport:
        """Save the position of ``report`` and count it as its session's heartbeat.

        When the report changes the record, ``progress_message`` makes its event from the session's
        id, and ``send`` tells whether Kafka has it. An event that could not be sent, or must not be
        yet because older ones of the user wait, goes to the outbox in the same transaction.

        A report to an abandoned session reopens it; one to a session that has ended otherwise
        changes nothing. Raises ``SessionNotFound`` when the report names a session that is not the
        user's, and ``MovieNotFound`` when it belongs to none and the user has reported too many
        films that nobody knows.
        """

        def work(transaction: Transaction) -> RecordedReport:
            session = _lock_session(transaction, report)
            if session is None and report.session_id is None:
                session = session_rows.lock_latest_abandoned(transaction, report)
            session_id = session.id if session else None
            if session and not session.is_open and not session.is_abandoned:
                on_record = progress_rows.find(transaction, report.user_id, report.movie_id)
                return RecordedReport(
                    on_record, applied=False, session_id=session_id, session_ended=True
                )
            saved = self._save(transaction, report, session)
            if session:
                session_rows.count_heartbeat(transaction, session, report.reported_at)
            if saved is None:
                on_record = progress_rows.find(transaction, report.user_id, report.movie_id)
                return RecordedReport(on_record, applied=False, session_id=session_id)
            message = progress_message(session_id)
            if message is not None and (
                outbox.has_messages_of(transaction, message.key) or not _sent_in_time(send, message)
            ):
                outbox.insert(transaction, [message])
            return RecordedReport(saved, applied=True, session_id=session_id)

        return self._database.run(work)

    def end_session(
        self, report: Report, stop_message: Callable[[UUID], Message | None]
    ) -> EndedSession:
        """End the session of ``report``, or the user's latest open one, and save the position.

        ``stop_message`` makes the event, which goes to the outbox in the same transaction if this
        call is the one that ended the session. Raises ``SessionNotFound`` and ``MovieNotFound`` as
        ``record_report`` does.
        """

        def work(transaction: Transaction) -> EndedSession:
            session = _lock_session(transaction, report)
            saved = self._save(transaction, report, session)
            applied = saved is not None
            progress = saved or progress_rows.find(transaction, report.user_id, report.movie_id)
            assert progress is not None
            if session is None:
                return EndedSession(progress, None, None, ended_now=False, applied=applied)
            if not session.is_open:
                session_rows.keep_ended(transaction, session)
                lasted = session.duration_seconds
                return EndedSession(progress, session.id, lasted, ended_now=False, applied=applied)
            duration = session_rows.end(transaction, session, report.reported_at)
            message = stop_message(session.id)
            is_next = message is not None and outbox.insert(transaction, [message])
            return EndedSession(
                progress,
                session.id,
                duration,
                ended_now=True,
                applied=applied,
                event_is_next=is_next,
            )

        return self._database.run(work)

    def end_abandoned(
        self,
        silent_since: datetime,
        limit: int,
        message_of: MessageOf,
    ) -> list[ClosedSession]:
        """End the sessions that had no heartbeat since then, at most ``limit``, and return them.

        Their events go to the outbox in the same transaction.
        """

        def work(transaction: Transaction) -> list[ClosedSession]:
            ended = closed_sessions.end_silent(transaction, silent_since, limit)
            events = [StreamEvent.of_end(session) for session in ended]
            outbox.insert_events(transaction, events, message_of)
            return ended

        return self._database.run(work)

    def _save(
        self, transaction: Transaction, report: Report, session: Session | None
    ) -> SavedProgress | None:
        if session is None and not films.admit(
            transaction,
            report.user_id,
            report.movie_id,
            report.reported_at,
            _MOST_UNCONFIRMED_FILMS,
        ):
            raise MovieNotFound("nobody has ever started such a film")
        # Who names no session may tell of what was watched before this one.
        return progress_rows.upsert(
            transaction,
            report,
            session.started_at if session and report.session_id else None,
            session.film_duration_seconds if session else None,
        )


def _sent_in_time(send: Callable[[Message], bool], message: Message) -> bool:
    """Send ``message`` while there is time to commit: without Kafka the report still counts."""
    with leaving(_COMMIT_SECONDS):
        return send(message)


def _lock_session(transaction: Transaction, report: Report) -> Session | None:
    if report.session_id is None:
        return session_rows.lock_latest(transaction, report)
    session = session_rows.lock(transaction, report.session_id, report)
    if session is None:
        raise SessionNotFound("the user has no such session of this film")
    return session
