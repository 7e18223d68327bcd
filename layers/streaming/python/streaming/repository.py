"""The record in PostgreSQL: watch progress, sessions, and the outbox of their events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from streaming import idempotency_rows, outbox, progress_rows, session_rows
from streaming.answers import LiveSession
from streaming.database import Database, Transaction
from streaming.deadline import leaving
from streaming.errors import SessionNotFound
from streaming.events import Message, StreamEvent
from streaming.idempotency import Attempt, IdempotencyKey
from streaming.progress import Report, SavedProgress
from streaming.session_rows import ClosedSession, NewSession, Session
from streaming.signing import ManifestType

MessageOf = Callable[[StreamEvent], Message | None]
"""Makes an event what goes to Kafka; None when events are switched off."""

# What putting an event into the outbox and committing may take.
_COMMIT_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """What a start did. ``progress`` is the user's in the film, if any.

    ``next_messages`` are the events to send now, in order: none while older ones of the user wait.
    """

    progress: SavedProgress | None
    next_messages: Sequence[Message]


@dataclass(frozen=True, slots=True)
class RecordedReport:
    """What a report did.

    ``progress`` is None when there is none on record; ``applied`` is false when the report did not
    change it; ``session_ended`` is true when the report's session is over for good.
    """

    progress: SavedProgress | None
    applied: bool
    session_id: UUID | None
    session_ended: bool = False


@dataclass(frozen=True, slots=True)
class EndedSession:
    """What a stop did.

    ``session_id`` is None when there was no session; ``ended_now`` is false when it had ended
    before. ``duration_seconds`` is how long it lasted. ``event_is_next`` tells that no older event
    of the user waits in the outbox.
    """

    progress: SavedProgress
    session_id: UUID | None
    duration_seconds: int | None
    ended_now: bool
    event_is_next: bool = False


class Repository:
    """Reads and changes the record, one transaction a method. Raises ``DatabaseUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim_key(
        self, user_id: UUID, key: IdempotencyKey, attempt: Attempt, seconds: float
    ) -> Attempt:
        """Begin ``attempt`` with ``key``, for at most so many seconds, or return the one before it.

        Raises ``IdempotencyKeyReused`` and ``RequestInProgress``.
        """
        return self._database.run(
            lambda transaction: idempotency_rows.claim(transaction, user_id, key, attempt, seconds)
        )

    def release_key(self, user_id: UUID, key: IdempotencyKey, attempt: Attempt) -> None:
        """Let the request of a failed ``attempt`` be repeated at once."""
        self._database.run(
            lambda transaction: idempotency_rows.release(
                transaction, user_id, key, attempt.session_id
            )
        )

    def delete_old_keys(self, before: datetime, limit: int) -> int:
        """Delete the keys that are older than ``before``, at most ``limit``; return how many."""
        return self._database.run(
            lambda transaction: idempotency_rows.delete_old(transaction, before, limit)
        )

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
            events = _take_over(transaction, session.user_id, taken_over, session.started_at)
            if session_rows.insert(transaction, session):
                events.append(event)
            messages = _insert_events(transaction, events, message_of)
            if key is not None:
                idempotency_rows.complete(transaction, session.user_id, key, session.id)
            progress = progress_rows.find(transaction, session.user_id, session.movie_id)
            return OpenedSession(progress, messages)

        return self._database.run(work)

    def end_taken_over(
        self, user_id: UUID, session_ids: Sequence[UUID], at: datetime, message_of: MessageOf
    ) -> Sequence[Message]:
        """End those of the user's sessions that are open; return the events to send now."""

        def work(transaction: Transaction) -> Sequence[Message]:
            events = _take_over(transaction, user_id, session_ids, at)
            return _insert_events(transaction, events, message_of)

        return self._database.run(work)

    def find_sessions(self, user_id: UUID, session_ids: Sequence[UUID]) -> list[LiveSession]:
        """Return those of the user's sessions that are on record, in any order."""
        return self._database.run(
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
        user's.
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
            saved = progress_rows.upsert(transaction, report, _film_duration(session))
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
        call is the one that ended the session. Raises ``SessionNotFound`` when the report names a
        session that is not the user's.
        """

        def work(transaction: Transaction) -> EndedSession:
            session = _lock_session(transaction, report)
            progress = progress_rows.upsert(
                transaction, report, _film_duration(session)
            ) or progress_rows.find(transaction, report.user_id, report.movie_id)
            assert progress is not None
            if session is None:
                return EndedSession(progress, None, None, ended_now=False)
            if not session.is_open:
                session_rows.keep_ended(transaction, session)
                return EndedSession(progress, session.id, session.duration_seconds, ended_now=False)
            duration = session_rows.end(transaction, session, report.reported_at)
            message = stop_message(session.id)
            is_next = message is not None and outbox.insert(transaction, [message])
            return EndedSession(
                progress, session.id, duration, ended_now=True, event_is_next=is_next
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
            ended = session_rows.end_silent(transaction, silent_since, limit)
            _insert_events(transaction, [session.to_event() for session in ended], message_of)
            return ended

        return self._database.run(work)

    def find_progress(self, user_id: UUID, movie_id: UUID) -> SavedProgress | None:
        """Return the user's progress in the film, or None."""
        return self._database.run(
            lambda transaction: progress_rows.find(transaction, user_id, movie_id)
        )

    def find_films_to_continue(self, user_id: UUID, limit: int) -> list[SavedProgress]:
        """Return the user's begun and not completed films, newest first, at most ``limit``."""
        return self._database.run(
            lambda transaction: progress_rows.find_to_continue(transaction, user_id, limit)
        )

    def find_films_in_use(
        self, now: datetime, seconds: int, limit: int
    ) -> list[tuple[UUID, ManifestType]]:
        """Return the films started in the last ``seconds`` and their form, most started first."""
        return self._database.run(
            lambda transaction: session_rows.find_films_in_use(transaction, now, seconds, limit)
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


def _take_over(
    transaction: Transaction, user_id: UUID, session_ids: Sequence[UUID], at: datetime
) -> list[StreamEvent]:
    if not session_ids:
        return []
    closed = session_rows.take_over(transaction, user_id, session_ids, at)
    return [session.to_event() for session in closed]


def _insert_events(
    transaction: Transaction, events: Sequence[StreamEvent], message_of: MessageOf
) -> Sequence[Message]:
    """Put ``events`` in the outbox; return the messages, if they may be sent now."""
    made = [message_of(event) for event in events]
    messages = [message for message in made if message is not None]
    return messages if outbox.insert(transaction, messages) else ()


def _film_duration(session: Session | None) -> int | None:
    return session.film_duration_seconds if session else None
