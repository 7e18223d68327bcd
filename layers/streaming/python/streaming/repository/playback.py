"""Saves sessions, positions and their events together, in one transaction for each call."""

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

# Time that remains for inserting an event into the outbox and for COMMIT.
_COMMIT_SECONDS = 0.3
# How many positions a user may have in films that are not known to exist. Films with a session are
# known.
_MOST_UNCONFIRMED_FILMS = 20


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """The result of a start. ``progress`` is the user's in the film, if any.

    ``next_messages`` are to be sent now, in order: none while older ones are in the outbox.
    """

    progress: SavedProgress | None
    next_messages: Sequence[Message]


class Playback:
    """Opens and ends sessions, and saves their reports.

    Each method is a transaction, and raises ``DatabaseUnavailable``.
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

        Ends the user's sessions that are ``taken_over`` in the same transaction.
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

        Its start is refused, so its Idempotency-Key is deleted and can be used again.
        """

        def work(transaction: Transaction) -> Sequence[Message]:
            closed = closed_sessions.take_over(transaction, user_id, [session_id], at)
            idempotency_rows.forget(transaction, user_id, session_id)
            events = [StreamEvent.of_end(each) for each in closed]
            return outbox.insert_events(transaction, events, message_of)

        return self._database.run(work)

    def find_repeated(self, user_id: UUID, movie_id: UUID, session_id: UUID) -> RepeatedStart:
        """Return the open session of a repeated start. Raises ``SessionEnded``."""

        def work(transaction: Transaction) -> RepeatedStart:
            heard_at = session_rows.find_last_heartbeat(transaction, user_id, session_id)
            if heard_at is None:
                raise SessionEnded("the session that was started with this key has ended")
            return RepeatedStart(progress_rows.find(transaction, user_id, movie_id), heard_at)

        return self._database.read(work)

    def find_sessions(self, user_id: UUID, session_ids: Sequence[UUID]) -> list[LiveSession]:
        """Return those of these sessions that exist and belong to the user, in any order."""
        return self._database.read(
            lambda transaction: session_rows.find(transaction, user_id, session_ids)
        )

    def record_report(
        self,
        report: Report,
        progress_message: Callable[[UUID | None], Message | None],
        send: Callable[[Message], bool],
    ) -> RecordedReport:
        """Save the position of ``report``, and count it as a heartbeat of its session.

        When the report changes the record, ``progress_message`` makes its event from the session's
        id, and ``send`` returns whether Kafka acknowledged it. If not, or if older events of the
        user are in the outbox, it goes to the outbox in the same transaction.

        A report to an abandoned session reopens it; one to a session that ended otherwise changes
        nothing. Raises ``SessionNotFound`` if the report names a session that is not the user's,
        and ``MovieNotFound`` if it belongs to no session and the user has positions in too many
        films that are not known to exist.
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
        call ends the session. Raises ``SessionNotFound`` and ``MovieNotFound`` as ``record_report``
        does.
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
        """End at most ``limit`` sessions without a heartbeat since ``silent_since``; return them.

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
        # A report without a session id may be of playback before this session.
        return progress_rows.upsert(
            transaction,
            report,
            session.started_at if session and report.session_id else None,
            session.film_duration_seconds if session else None,
        )


def _sent_in_time(send: Callable[[Message], bool], message: Message) -> bool:
    """Send ``message``, and reserve time to commit, so that an outage of Kafka fails no report."""
    with leaving(_COMMIT_SECONDS):
        return send(message)


def _lock_session(transaction: Transaction, report: Report) -> Session | None:
    if report.session_id is None:
        return session_rows.lock_latest(transaction, report)
    session = session_rows.lock(transaction, report.session_id, report)
    if session is None:
        raise SessionNotFound("the user has no such session of this film")
    return session
