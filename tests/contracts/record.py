"""The PostgreSQL adapters under test, and players that use them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from streaming.domain import clock
from streaming.domain.errors import SessionEnded
from streaming.domain.identifiers import uuid7
from streaming.domain.progress import RecordedReport, Report, SavedProgress
from streaming.domain.sessions import EndedSession, NewSession
from streaming.events.event import Message, StreamEvent, new_event_id
from streaming.repository.database import Database
from streaming.repository.films import Films
from streaming.repository.idempotency import IdempotencyKeys
from streaming.repository.outbox import Outbox, Outcome, Waiting
from streaming.repository.personal_data import PersonalData
from streaming.repository.playback import OpenedSession, Playback
from streaming.repository.progress import ProgressRecord

EVENING = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
"""The time at which the viewers start."""


@dataclass(frozen=True)
class Record:
    """The adapters of one database."""

    playback: Playback
    progress: ProgressRecord
    keys: IdempotencyKeys
    films: Films
    outbox: Outbox
    personal_data: PersonalData

    @classmethod
    def of(cls, database: Database) -> "Record":
        """Return the real adapters."""
        return cls(
            playback=Playback(database),
            progress=ProgressRecord(database),
            keys=IdempotencyKeys(database),
            films=Films(database),
            outbox=Outbox(database),
            personal_data=PersonalData(database),
        )

    def waiting(self) -> list[Message]:
        """Return the waiting messages of the outbox, one key after another."""
        found: list[Message] = []

        def look(queues: Sequence[Sequence[Waiting]]) -> Outcome:
            found.extend(each.message for queue in queues for each in queue)
            return Outcome()

        self.outbox.relay(look, after=0, keys=100, per_key=100, settling_seconds=-1)
        return found


def message_of(event: StreamEvent) -> Message:
    """Return the Kafka message of ``event``."""
    return event.to_message("stream")


def acknowledge(message: Message) -> bool:
    """Return True, as if Kafka had acknowledged ``message``."""
    return True


def refuse(message: Message) -> bool:
    """Return False, as if Kafka did not answer."""
    return False


def seconds(count: float) -> timedelta:
    """Return ``count`` seconds as a ``timedelta``."""
    return timedelta(seconds=count)


@dataclass
class Player:
    """A user who watches a film. Reports after a start have the id of its session."""

    record: Record
    user_id: UUID = field(default_factory=uuid4)
    movie_id: UUID = field(default_factory=uuid4)
    film_duration_seconds: int | None = 1000
    session_id: UUID | None = None

    def start(self, at: datetime = EVENING, taken_over: Sequence[UUID] = ()) -> OpenedSession:
        """Start the film in a new session."""
        session = self.new_session(at)
        self.session_id = session.id
        return self.record.playback.open_session(
            session, start_of(session), message_of, taken_over=taken_over
        )

    def new_session(self, at: datetime = EVENING) -> NewSession:
        """Return a session that is not saved yet."""
        return NewSession(
            id=uuid7(clock.milliseconds(at)),
            user_id=self.user_id,
            movie_id=self.movie_id,
            manifest_type="hls",
            film_duration_seconds=self.film_duration_seconds,
            started_at=at,
            user_agent="a player",
            ip_address="192.0.2.0",
        )

    def report(
        self,
        position_seconds: int,
        at: datetime,
        sequence: int | None = None,
        age_seconds: float = 0,
        send: Callable[[Message], bool] = acknowledge,
    ) -> RecordedReport:
        """Report a position that arrives at the time ``at``; ``send`` replaces Kafka."""
        report = Report(
            self.user_id,
            self.movie_id,
            position_seconds,
            self.session_id,
            sequence,
            at,
            age_seconds,
        )
        recorded = self.record.playback.record_report(report)
        if recorded.is_event_due:
            message = message_of(StreamEvent.of_progress(report, recorded.session_id))
            if not recorded.is_event_next or not send(message):
                self.record.outbox.add(message)
        return recorded

    def stop(
        self, position_seconds: int, at: datetime, sequence: int | None = None
    ) -> EndedSession:
        """Stop the film at a position."""
        report = Report(
            self.user_id, self.movie_id, position_seconds, self.session_id, sequence, at
        )
        return self.record.playback.end_session(
            report,
            lambda session_id: message_of(
                StreamEvent.of_stop(report, session_id, new_event_id(at))
            ),
        )

    def saved(self) -> SavedProgress:
        """Return the saved position."""
        saved = self.record.progress.find(self.user_id, self.movie_id)
        assert saved is not None
        return saved

    def session_is_open(self) -> bool:
        """Return whether the session is open."""
        assert self.session_id is not None
        try:
            self.record.playback.find_repeated(self.user_id, self.movie_id, self.session_id)
        except SessionEnded:
            return False
        return True

    def waiting(self) -> list[dict[str, Any]]:
        """Return the user's waiting events in the outbox, in order."""
        messages = self.record.waiting()
        return [json.loads(each.value) for each in messages if each.key == str(self.user_id)]


def start_of(session: NewSession) -> StreamEvent:
    """Return the event of a start."""
    at = session.started_at
    return StreamEvent(
        new_event_id(at), "stream_start", session.user_id, session.movie_id, at, session.id
    )
