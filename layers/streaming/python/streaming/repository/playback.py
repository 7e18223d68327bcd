"""Saves sessions, positions and their events together, in one transaction for each call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
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
from streaming.events.event import Message, StreamEvent
from streaming.repository import closed_sessions, films, saved_reports
from streaming.repository import idempotency as idempotency_rows
from streaming.repository import progress as progress_rows
from streaming.repository import sessions as session_rows
from streaming.repository.database import Database
from streaming.repository.outbox_inserts import MessageOf, insert_events
from streaming.repository.pipeline_connection import Row, Statement
from streaming.repository.transaction import Transaction

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
        if taken_over:
            return self._database.run(
                lambda transaction: _open(transaction, session, event, message_of, key, taken_over)
            )
        message = message_of(event)
        inserted, *_, records = self._database.pipeline(
            session_rows.insert_with_event(session, message)
            if message
            else session_rows.insert(session),
            *_completing(session, key),
            progress_rows.select(session.user_id, session.movie_id),
        )
        is_next = bool(message and inserted and inserted[0]["is_next"])
        return OpenedSession(_progress(records), [message] if message and is_next else ())

    def refuse_opened(
        self, user_id: UUID, session_id: UUID, at: datetime, message_of: MessageOf
    ) -> Sequence[Message]:
        """End a session that was taken over while it was opened; return the events to send now.

        Its start is refused, so its Idempotency-Key is deleted and can be used again.
        """

        def work(transaction: Transaction) -> Sequence[Message]:
            closed = closed_sessions.take_over(transaction, user_id, [session_id], at)
            transaction.run(idempotency_rows.forget(user_id, session_id))
            events = [StreamEvent.of_end(each) for each in closed]
            return insert_events(transaction, events, message_of)

        return self._database.run(work)

    def find_repeated(self, user_id: UUID, movie_id: UUID, session_id: UUID) -> RepeatedStart:
        """Return the open session of a repeated start. Raises ``SessionEnded``."""
        sessions, records = self._database.pipeline(
            session_rows.select_open(user_id, session_id), progress_rows.select(user_id, movie_id)
        )
        if not sessions:
            raise SessionEnded("the session that was started with this key has ended")
        return RepeatedStart(_progress(records), sessions[0]["last_heartbeat_at"])

    def find_sessions(self, user_id: UUID, session_ids: Sequence[UUID]) -> list[LiveSession]:
        """Return those of these sessions that exist and belong to the user, in any order."""
        (rows,) = self._database.pipeline(session_rows.select(user_id, session_ids))
        return [LiveSession(**row) for row in rows]

    def record_report(self, report: Report) -> RecordedReport:
        """Save the position of ``report``, and count it as a heartbeat of its session.

        A report to an abandoned session reopens it; one to a session that ended otherwise changes
        nothing. Raises ``SessionNotFound`` if the report names a session that is not the user's,
        and ``MovieNotFound`` if it belongs to no session and the user has positions in too many
        films that are not known to exist.
        """
        if report.order is None:
            return self._database.run(partial(_record_unordered, report=report))
        session_id = report.order.session_id
        saved, outcome = self._database.pipeline(
            saved_reports.save(report, session_id),
            saved_reports.select_outcome(report, session_id),
            is_conclusive=partial(saved_reports.is_conclusive, report),
        )
        return saved_reports.recorded(report, session_id, saved, outcome)

    def end_session(
        self, report: Report, stop_message: Callable[[UUID], Message | None]
    ) -> EndedSession:
        """End the session of ``report``, or the user's latest open one, and save the position.

        ``stop_message`` makes the event, which goes to the outbox in the same transaction if this
        call ends the session. Raises ``SessionNotFound`` and ``MovieNotFound`` as ``record_report``
        does.
        """
        if report.order is None:
            return self._database.run(
                partial(_end_unordered, report=report, stop_message=stop_message)
            )
        session_id = report.order.session_id
        answers = self._database.pipeline(
            *saved_reports.stop(report, session_id, stop_message(session_id)),
            saved_reports.select_outcome(report, session_id),
            is_conclusive=partial(saved_reports.is_conclusive, report),
        )
        return saved_reports.ended(report, session_id, answers)

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
            insert_events(transaction, events, message_of)
            return ended

        return self._database.run(work)


def _open(
    transaction: Transaction,
    session: NewSession,
    event: StreamEvent,
    message_of: MessageOf,
    key: IdempotencyKey | None,
    taken_over: Sequence[UUID],
) -> OpenedSession:
    closed = closed_sessions.take_over(transaction, session.user_id, taken_over, session.started_at)
    events = [StreamEvent.of_end(each) for each in closed]
    if transaction.run(session_rows.insert(session)):
        events.append(event)
    messages = insert_events(transaction, events, message_of)
    for statement in _completing(session, key):
        transaction.run(statement)
    records = transaction.run(progress_rows.select(session.user_id, session.movie_id))
    return OpenedSession(_progress(records), messages)


def _completing(session: NewSession, key: IdempotencyKey | None) -> list[Statement]:
    """Return what else a start writes: its key is complete, its film is known."""
    film = films.keep(session.movie_id, session.film_duration_seconds, session.started_at)
    if key is None:
        return [film]
    return [idempotency_rows.complete(session.user_id, key, session.id), film]


def _progress(rows: Sequence[Row]) -> SavedProgress | None:
    return progress_rows.to_progress(rows[0]) if rows else None


def _record_unordered(transaction: Transaction, report: Report) -> RecordedReport:
    """Record a report without a session or a sequence, so that it has no order."""
    session_id = (
        report.session_id
        or session_rows.lock_latest(transaction, report)
        or session_rows.lock_latest_abandoned(transaction, report)
    )
    if session_id is None:
        _admit(transaction, report)
    saved = transaction.run(saved_reports.save(report, session_id))
    outcome = transaction.run(saved_reports.select_outcome(report, session_id))
    return saved_reports.recorded(report, session_id, saved, outcome)


def _end_unordered(
    transaction: Transaction, report: Report, stop_message: Callable[[UUID], Message | None]
) -> EndedSession:
    session_id = report.session_id or session_rows.lock_latest(transaction, report)
    if session_id is None:
        _admit(transaction, report)
        answers = [transaction.run(saved_reports.save(report, None))]
    else:
        message = stop_message(session_id)
        answers = [
            transaction.run(each) for each in saved_reports.stop(report, session_id, message)
        ]
    answers.append(transaction.run(saved_reports.select_outcome(report, session_id)))
    return saved_reports.ended(report, session_id, answers)


def _admit(transaction: Transaction, report: Report) -> None:
    if not films.admit(
        transaction,
        report.user_id,
        report.movie_id,
        report.reported_at,
        _MOST_UNCONFIRMED_FILMS,
    ):
        raise MovieNotFound("nobody has ever started such a film")
