"""The servers' final contents: the second input of the checker."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any

from tests.histories.identifiers import short

FilmOfUser = tuple[str, str]
"""The ids of a user and a film."""


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """A row of ``watch_progress``."""

    user_id: str
    movie_id: str
    position_seconds: int
    duration_seconds: int | None
    completed: bool
    session_id: str | None
    sequence: int | None
    version: int

    @property
    def order(self) -> tuple[str, int] | None:
        """The greatest reported session and sequence."""
        if self.session_id is None or self.sequence is None:
            return None
        return self.session_id, self.sequence


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A row of ``stream_sessions``. ``user_agent`` begins with its operation's number."""

    id: str
    user_id: str
    movie_id: str
    started_at: datetime
    last_heartbeat_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    duration_seconds: int | None
    user_agent: str
    last_sequence: int | None = None

    @property
    def is_abandoned(self) -> bool:
        """Whether its player may still reopen it."""
        return self.end_reason == "abandoned"

    def __str__(self) -> str:
        """Return a description."""
        if self.ended_at is None:
            until = "is open"
        else:
            until = f"ended at {self.ended_at:%H:%M:%S.%f} ({self.end_reason or 'stopped'})"
        return (
            f"session {short(self.id)} of user {short(self.user_id)} and film "
            f"{short(self.movie_id)}, which began at {self.started_at:%H:%M:%S.%f} and {until}"
        )

    @property
    def operation(self) -> int:
        """The number of the operation that opened it."""
        return int(self.user_agent.split()[0])


@dataclass(frozen=True, slots=True)
class Event:
    """An event, in Kafka or in the outbox, with its JSON."""

    topic: str
    key: str
    value: Mapping[str, Any]

    @property
    def event_id(self) -> str:
        """The id by which consumers detect repeats."""
        return str(self.value["event_id"])

    @property
    def session_id(self) -> str | None:
        """The event's session."""
        session_id: str | None = self.value["session_id"]
        return session_id

    @property
    def position(self) -> int | None:
        """The event's position."""
        position: int | None = self.value["position_seconds"]
        return position

    @property
    def reason(self) -> str | None:
        """The reason of an end without a stop by the player."""
        return self.value.get("reason")


@dataclass(frozen=True, slots=True)
class Counted:
    """What the consumer has counted, and of which ``events``, each once.

    ``tables`` are the figures by name; those of unique viewers are of ``ranges`` of days.
    ``sessions`` have the number of their starts and ends. ``dead_letters`` are descriptions.
    """

    events: tuple[Mapping[str, Any], ...]
    ranges: tuple[tuple[str, str], ...]
    tables: Mapping[str, list[tuple[Any, ...]]]
    sessions: Mapping[str, tuple[int, int]]
    dead_letters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The contents of PostgreSQL, Redis and Kafka.

    ``published`` are the messages in Kafka, repeats included, each partition in its order;
    ``outbox`` are the waiting ones. ``cached`` is the JSON under each key of progress in Redis.
    ``redis_failures`` are the times at which Redis did not respond to a function in time, in Unix
    seconds. ``counted`` are the figures, if the events were consumed.
    """

    progress: Mapping[FilmOfUser, ProgressRow]
    sessions: Mapping[str, SessionRow]
    published: tuple[Event, ...]
    outbox: tuple[Event, ...]
    cached: Mapping[FilmOfUser, Mapping[str, Any]]
    redis_failures: tuple[float, ...] = ()
    counted: Counted | None = None

    @property
    def redis_failed_at(self) -> float:
        """When Redis first did not respond; infinity if it always did."""
        return min(self.redis_failures, default=inf)

    @property
    def events(self) -> tuple[Event, ...]:
        """All events, waiting ones last."""
        return self.published + self.outbox

    def events_of(self, user_id: str, movie_id: str) -> list[Event]:
        """Return the events of one film of one user, without repeats."""
        distinct = {
            event.event_id: event
            for event in self.events
            if (event.key, event.value["movie_id"]) == (user_id, movie_id)
        }
        return list(distinct.values())

    def sessions_of(self, user_id: str, movie_id: str) -> list[SessionRow]:
        """Return the sessions of one film of one user."""
        return [
            row
            for row in self.sessions.values()
            if (row.user_id, row.movie_id) == (user_id, movie_id)
        ]
