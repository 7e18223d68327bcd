"""The record in PostgreSQL: watch progress, sessions, and the outbox of their events."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from streaming import clock, outbox
from streaming.database import Database, Row, Transaction
from streaming.errors import SessionNotFound
from streaming.events import Message
from streaming.identifiers import uuid7
from streaming.progress import Report, ReportOrder, SavedProgress
from streaming.signing import ManifestType

_INSERT_SESSION = """
    INSERT INTO stream_sessions (
        id, user_id, movie_id, manifest_type, film_duration_seconds,
        started_at, last_heartbeat_at, user_agent, ip_address
    )
    VALUES (
        :id, :user_id, :movie_id, :manifest_type, :film_duration_seconds,
        :started_at, :started_at, :user_agent, :ip_address
    )
    ON CONFLICT (id) DO NOTHING
"""

_SELECT_SESSION = """
    SELECT id, ended_at, duration_seconds, film_duration_seconds
    FROM stream_sessions
    WHERE id = :session_id AND user_id = :user_id AND movie_id = :movie_id
"""

_SELECT_OPEN_SESSION = """
    SELECT id, ended_at, duration_seconds, film_duration_seconds
    FROM stream_sessions
    WHERE user_id = :user_id AND movie_id = :movie_id AND ended_at IS NULL
    ORDER BY id DESC
    LIMIT 1
"""

_HEARTBEAT = """
    UPDATE stream_sessions
    SET last_heartbeat_at = greatest(last_heartbeat_at, :at)
    WHERE id = :session_id AND ended_at IS NULL
"""

_END_SESSION = """
    UPDATE stream_sessions
    SET ended_at = greatest(started_at, :at),
        last_heartbeat_at = greatest(last_heartbeat_at, :at),
        duration_seconds = greatest(0, extract(epoch FROM CAST(:at AS timestamptz) - started_at))
    WHERE id = :session_id AND ended_at IS NULL
    RETURNING duration_seconds
"""

_PROGRESS_COLUMNS = """
    user_id, movie_id, position_seconds, last_watched_at, duration_seconds, completed,
    session_id, sequence, version
"""

# The rule of streaming.progress.supersedes, and its is_completed.
_UPSERT_PROGRESS = f"""
    INSERT INTO watch_progress AS saved (
        id, user_id, movie_id, position_seconds, duration_seconds, completed,
        session_id, sequence, created_at, updated_at, last_watched_at
    )
    VALUES (
        :id, :user_id, :movie_id, CAST(:position_seconds AS integer),
        CAST(:duration_seconds AS integer),
        coalesce(
            CAST(:position_seconds AS integer) >= 0.9 * CAST(:duration_seconds AS integer), false
        ),
        :session_id, :sequence, :at, :at, :at
    )
    ON CONFLICT (user_id, movie_id) DO UPDATE
    SET position_seconds = excluded.position_seconds,
        duration_seconds = coalesce(excluded.duration_seconds, saved.duration_seconds),
        completed = coalesce(
            excluded.position_seconds
                >= 0.9 * coalesce(excluded.duration_seconds, saved.duration_seconds),
            false
        ),
        session_id = coalesce(excluded.session_id, saved.session_id),
        sequence = coalesce(excluded.sequence, saved.sequence),
        version = saved.version + 1,
        updated_at = excluded.updated_at,
        last_watched_at = greatest(excluded.last_watched_at, saved.last_watched_at)
    WHERE excluded.sequence IS NULL
        OR saved.sequence IS NULL
        OR (excluded.session_id, excluded.sequence) > (saved.session_id, saved.sequence)
    RETURNING {_PROGRESS_COLUMNS}
"""  # noqa: S608

_SELECT_PROGRESS = f"""
    SELECT {_PROGRESS_COLUMNS}
    FROM watch_progress
    WHERE user_id = :user_id AND movie_id = :movie_id
"""  # noqa: S608

_SELECT_TO_CONTINUE = f"""
    SELECT {_PROGRESS_COLUMNS}
    FROM watch_progress
    WHERE user_id = :user_id AND NOT completed
    ORDER BY last_watched_at DESC
    LIMIT :limit
"""  # noqa: S608

_SELECT_FILMS_IN_USE = """
    SELECT movie_id, manifest_type
    FROM stream_sessions
    WHERE started_at > CAST(:now AS timestamptz) - make_interval(secs => :seconds)
    GROUP BY movie_id, manifest_type
    ORDER BY count(*) DESC
    LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that begins."""

    id: UUID
    user_id: UUID
    movie_id: UUID
    manifest_type: ManifestType
    film_duration_seconds: int | None
    started_at: datetime
    user_agent: str | None
    ip_address: str | None


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """What a start did. ``progress`` is the user's in the film, if any.

    ``event_is_next`` tells that no older event of the user waits in the outbox.
    """

    progress: SavedProgress | None
    event_is_next: bool


@dataclass(frozen=True, slots=True)
class RecordedReport:
    """What a report did. ``applied`` is false when the record was later than the report."""

    progress: SavedProgress
    applied: bool
    session_id: UUID | None


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

    def open_session(self, session: NewSession, message: Message | None) -> OpenedSession:
        """Insert ``session`` with its event."""

        def work(transaction: Transaction) -> OpenedSession:
            transaction.rows(
                _INSERT_SESSION,
                id=session.id,
                user_id=session.user_id,
                movie_id=session.movie_id,
                manifest_type=session.manifest_type,
                film_duration_seconds=session.film_duration_seconds,
                started_at=session.started_at,
                user_agent=session.user_agent,
                ip_address=session.ip_address,
            )
            is_next = message is not None and outbox.insert(transaction, [message])
            progress = _progress(transaction, session.user_id, session.movie_id)
            return OpenedSession(progress, is_next)

        return self._database.run(work)

    def record_report(
        self,
        report: Report,
        progress_message: Callable[[UUID | None], Message | None],
        send: Callable[[Message], bool],
    ) -> RecordedReport:
        """Save the position of ``report`` and count it as its session's heartbeat.

        When the report changes the record, ``progress_message`` makes its event from the session's
        id, and ``send`` tells whether Kafka has it. An event that could not be sent, or must not be
        yet because older ones of the user wait, goes to the outbox in the same transaction. A
        report of a session that has ended changes nothing. Raises ``SessionNotFound`` when the
        report names a session that is not the user's.
        """

        def work(transaction: Transaction) -> RecordedReport:
            session = _session(transaction, report)
            session_id = session["id"] if session else None
            has_ended = session is not None and session["ended_at"] is not None
            saved = None if has_ended else _upsert(transaction, report, session)
            if saved is None:
                on_record = _progress(transaction, report.user_id, report.movie_id)
                if on_record is not None:
                    return RecordedReport(on_record, applied=False, session_id=session_id)
                saved = _upsert(transaction, report, session)
                assert saved is not None
            if session_id is not None:
                transaction.rows(_HEARTBEAT, session_id=session_id, at=report.reported_at)
            message = progress_message(session_id)
            if message is not None and (
                outbox.has_messages_of(transaction, message.key) or not send(message)
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
            session = _session(transaction, report)
            progress = _upsert(transaction, report, session) or _progress(
                transaction, report.user_id, report.movie_id
            )
            assert progress is not None
            if session is None:
                return EndedSession(progress, None, None, ended_now=False)
            session_id: UUID = session["id"]
            ended = transaction.row(_END_SESSION, session_id=session_id, at=report.reported_at)
            if ended is None:
                again = transaction.row(_SELECT_SESSION, **_session_key(report, session_id))
                duration = again["duration_seconds"] if again else None
                return EndedSession(progress, session_id, duration, ended_now=False)
            message = stop_message(session_id)
            is_next = message is not None and outbox.insert(transaction, [message])
            return EndedSession(
                progress,
                session_id,
                ended["duration_seconds"],
                ended_now=True,
                event_is_next=is_next,
            )

        return self._database.run(work)

    def find_progress(self, user_id: UUID, movie_id: UUID) -> SavedProgress | None:
        """Return the user's progress in the film, or None."""
        return self._database.run(lambda transaction: _progress(transaction, user_id, movie_id))

    def find_films_to_continue(self, user_id: UUID, limit: int) -> list[SavedProgress]:
        """Return the user's begun and not completed films, newest first, at most ``limit``."""

        def work(transaction: Transaction) -> list[SavedProgress]:
            rows = transaction.rows(_SELECT_TO_CONTINUE, user_id=user_id, limit=limit)
            return [_to_progress(row) for row in rows]

        return self._database.run(work)

    def find_films_in_use(
        self, now: datetime, seconds: int, limit: int
    ) -> list[tuple[UUID, ManifestType]]:
        """Return the films started in the last ``seconds`` and their form, most started first."""

        def work(transaction: Transaction) -> list[tuple[UUID, ManifestType]]:
            rows = transaction.rows(_SELECT_FILMS_IN_USE, now=now, seconds=seconds, limit=limit)
            return [(row["movie_id"], row["manifest_type"]) for row in rows]

        return self._database.run(work)


def _session(transaction: Transaction, report: Report) -> Row | None:
    if report.session_id is None:
        return transaction.row(
            _SELECT_OPEN_SESSION, user_id=report.user_id, movie_id=report.movie_id
        )
    session = transaction.row(_SELECT_SESSION, **_session_key(report, report.session_id))
    if session is None:
        raise SessionNotFound("the user has no such session of this film")
    return session


def _session_key(report: Report, session_id: UUID) -> dict[str, UUID]:
    return {"session_id": session_id, "user_id": report.user_id, "movie_id": report.movie_id}


def _upsert(transaction: Transaction, report: Report, session: Row | None) -> SavedProgress | None:
    order = report.order
    row = transaction.row(
        _UPSERT_PROGRESS,
        id=uuid7(clock.milliseconds(report.reported_at)),
        user_id=report.user_id,
        movie_id=report.movie_id,
        position_seconds=report.position_seconds,
        duration_seconds=session["film_duration_seconds"] if session else None,
        session_id=order.session_id if order else None,
        sequence=order.sequence if order else None,
        at=report.reported_at,
    )
    return _to_progress(row) if row else None


def _progress(transaction: Transaction, user_id: UUID, movie_id: UUID) -> SavedProgress | None:
    row = transaction.row(_SELECT_PROGRESS, user_id=user_id, movie_id=movie_id)
    return _to_progress(row) if row else None


def _to_progress(row: Row) -> SavedProgress:
    order = ReportOrder(row["session_id"], row["sequence"]) if row["session_id"] else None
    return SavedProgress(
        user_id=row["user_id"],
        movie_id=row["movie_id"],
        position_seconds=row["position_seconds"],
        last_watched_at=row["last_watched_at"],
        duration_seconds=row["duration_seconds"],
        completed=row["completed"],
        order=order,
        version=row["version"],
    )
