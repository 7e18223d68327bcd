"""Tests that the in-memory repository and PostgreSQL return the same.

Random calls are made in random order. If the results differed, tests of use cases with the fake
would prove nothing about the real repository.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from streaming.domain.errors import StreamingError
from streaming.domain.progress import Report, SavedProgress
from streaming.domain.sessions import ClosedSession, LiveSession
from streaming.events.event import Message, StreamEvent, new_event_id
from streaming.repository.database import Database
from tests.contracts.conftest import empty, in_memory
from tests.contracts.record import EVENING, Player, Record, message_of, seconds, start_of
from tests.fakes.record import MemoryRecord

USERS = [uuid4() for _ in range(2)]
MOVIES = [uuid4() for _ in range(2)]
UNKNOWN_SESSION = uuid4()

users = st.sampled_from(USERS)
movies = st.sampled_from(MOVIES)
# A film lasts 1,000 seconds, and completes at 900.
positions = st.sampled_from([0, 1, 50, 899, 900, 950, 1000])
sequences = st.none() | st.integers(0, 4)
ages = st.sampled_from([0.0, 0.5, 30.0, 400.0, 90_000.0])
# None means a report without a session id.
places = st.none() | st.integers(0, 5)


@dataclass(frozen=True)
class Raised:
    """The error that a call raised."""

    code: str


class SideBySide(RuleBasedStateMachine):
    """Starts, reports and stops of two users in two films, and housekeeping."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        empty(self.database)
        self.memory = in_memory(MemoryRecord())
        self.postgresql = Record.of(self.database)
        self.at = EVENING
        self.sessions: list[UUID] = []

    def both(self, call: Callable[[Record], Any]) -> Any:
        """Make a call on both; check that they return or raise the same."""
        in_memory, in_postgresql = (outcome_of(call, each) for each in self.records)
        assert in_memory == in_postgresql
        return in_memory

    @property
    def records(self) -> tuple[Record, Record]:
        """The fake and the real one."""
        return self.memory, self.postgresql

    @rule(passed=st.sampled_from([0.4, 20.0, 200.0, 400.0, 50_000.0, 90_000.0]))
    def time_passes(self, passed: float) -> None:
        """Advance the time of the following calls."""
        self.at += seconds(passed)

    @rule(
        user_id=users,
        movie_id=movies,
        length=st.sampled_from([None, 1000, 1200]),
        taken_over=st.lists(st.integers(0, 5), max_size=2),
    )
    def start(
        self, user_id: UUID, movie_id: UUID, length: int | None, taken_over: list[int]
    ) -> None:
        """A player starts a film, and may take over other sessions."""
        player = Player(self.memory, user_id, movie_id, length)
        # The ids of sessions are in the order of their starts.
        self.at += seconds(0.001)
        session = player.new_session(self.at)
        event = start_of(session)
        others = [each for place in taken_over if (each := self.session(place))]

        def open_session(record: Record) -> object:
            opened = record.playback.open_session(session, event, message_of, None, others)
            return opened.progress, [described(each) for each in opened.next_messages]

        self.both(open_session)
        self.sessions.append(session.id)

    @rule(
        user_id=users,
        movie_id=movies,
        place=places,
        position=positions,
        sequence=sequences,
        age=ages,
        is_sent=st.booleans(),
    )
    def report(
        self,
        user_id: UUID,
        movie_id: UUID,
        place: int | None,
        position: int,
        sequence: int | None,
        age: float,
        *,
        is_sent: bool,
    ) -> None:
        """A player reports, with or without a session id, which may be another user's."""
        # The time identifies the attempts of one report.
        self.at += seconds(0.001)
        report = Report(user_id, movie_id, position, self.session(place), sequence, self.at, age)
        event_id = new_event_id(self.at)

        def record_report(record: Record) -> object:
            recorded = record.playback.record_report(report)
            if recorded.is_event_due and not (is_sent and recorded.is_event_next):
                event = StreamEvent.of_progress(report, recorded.session_id)
                message = message_of(replace(event, event_id=event_id))
                record.outbox.add(message)
            return recorded

        self.both(record_report)

    @rule(user_id=users, movie_id=movies, place=places, position=positions, sequence=sequences)
    def stop(
        self,
        user_id: UUID,
        movie_id: UUID,
        place: int | None,
        position: int,
        sequence: int | None,
    ) -> None:
        """A player stops."""
        self.at += seconds(0.001)
        report = Report(user_id, movie_id, position, self.session(place), sequence, self.at)
        event_id = new_event_id(self.at)
        self.both(
            lambda record: record.playback.end_session(
                report,
                lambda session_id: message_of(StreamEvent.of_stop(report, session_id, event_id)),
            )
        )

    @rule(user_id=users, movie_id=movies)
    def remove(self, user_id: UUID, movie_id: UUID) -> None:
        """A viewer removes a film."""
        self.both(lambda record: record.progress.remove(user_id, movie_id, self.at))

    @rule()
    def end_abandoned(self) -> None:
        """Housekeeping ends the sessions without a heartbeat for five minutes."""

        def end(record: Record) -> list[ClosedSession]:
            silent_since = self.at - seconds(300)
            ended = record.playback.end_abandoned(silent_since, 100, message_of)
            return sorted(ended, key=lambda session: session.id)

        self.both(end)

    @rule(movie_id=movies, is_there=st.booleans())
    def look_for_film(self, movie_id: UUID, *, is_there: bool) -> None:
        """Housekeeping checks whether a film is in the bucket."""
        self.both(lambda record: record.films.mark(movie_id, self.at, is_there=is_there))

    @rule(user_id=users)
    def relay(self, user_id: UUID) -> None:
        """Kafka accepts a user's waiting messages."""
        for record in self.records:
            for message in record.waiting():
                if message.key == str(user_id):
                    record.outbox.delete(message.event_id)

    def teardown(self) -> None:
        """Check that both contain the same positions, sessions and events."""
        for user_id in USERS:
            for movie_id in MOVIES:
                self.both(partial(position_of, user_id=user_id, movie_id=movie_id))
            self.both(partial(films_to_continue, user_id=user_id))
            self.both(partial(sessions_of, user_id=user_id, session_ids=self.sessions))
            self.both(partial(waiting_of, user_id=user_id))

    def session(self, place: int | None) -> UUID | None:
        """Return a started session, the latest first, or an unknown one."""
        if place is None:
            return None
        return self.sessions[-1 - place] if place < len(self.sessions) else UNKNOWN_SESSION


def outcome_of(call: Callable[[Record], Any], record: Record) -> Any:
    """Return the result of ``call``, or the error that it raises."""
    try:
        return call(record)
    except StreamingError as error:
        return Raised(error.code)


def position_of(record: Record, user_id: UUID, movie_id: UUID) -> SavedProgress | None:
    """Return the saved position."""
    return record.progress.find(user_id, movie_id)


def films_to_continue(record: Record, user_id: UUID) -> dict[UUID, SavedProgress]:
    """Return the films by id, because films watched at the same time have no defined order."""
    found = record.progress.find_to_continue(user_id, 10, 60, 0.05)
    return {saved.movie_id: saved for saved in found}


def sessions_of(
    record: Record, user_id: UUID, session_ids: list[UUID]
) -> list[tuple[LiveSession, bool]]:
    """Return the user's sessions, and which of them are open."""
    found = record.playback.find_sessions(user_id, session_ids)
    players = [
        (session, Player(record, user_id, uuid4(), session_id=session.session_id))
        for session in sorted(found, key=lambda session: session.session_id)
    ]
    return [(session, player.session_is_open()) for session, player in players]


def waiting_of(record: Record, user_id: UUID) -> list[Message]:
    """Return the user's waiting messages, in order."""
    waiting = record.waiting()
    return [described(message) for message in waiting if message.key == str(user_id)]


def described(message: Message) -> Message:
    """Return ``message`` without its id, random if no report ended the session."""
    value = json.loads(message.value)
    del value["event_id"]
    return replace(message, event_id=UNKNOWN_SESSION, value=json.dumps(value))


@pytest.mark.server
def test_memory_and_postgresql_have_the_same_results(own_database: Database) -> None:
    """For random calls both return and raise the same, and contain the same afterwards."""

    class Driven(SideBySide):
        database = own_database

    run_state_machine_as_test(
        Driven,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )
