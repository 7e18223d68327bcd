"""Viewing: the events from which it is measured, and the rules of the measures.

docs/analytics.md defines each measure, with its source.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from uuid import UUID

ALL_FILMS = UUID(int=0)
"""Stands for all films in tables and reports; no film has this id."""

LONGEST_GAP_MS = 30_000
"""Of the time between two reports of a session, at most this counts as watched."""

VIEW_MS = 30_000
"""From this watch time on, a session is a view."""

SITTING_GAP_MS = 30 * 60_000
"""A session that follows another of the viewer's views of the film within this time is no view."""

HUNDREDTHS = 100
"""The number of parts of a film in the retention curve."""

DAY_MS = 86_400_000


class Kind(IntEnum):
    """What an event tells. From ``STOP`` on, it ends its session."""

    START = 1
    PROGRESS = 2
    STOP = 3
    ABANDONED = 4
    TAKEN_OVER = 5


@dataclass(frozen=True, slots=True)
class ViewingEvent:
    """An event of a session, at ``at_ms`` in Unix milliseconds.

    Only a start has ``manifest_type``, ``device`` and ``duration_seconds``, the film's duration.
    """

    event_id: UUID
    session_id: UUID
    user_id: UUID
    movie_id: UUID
    kind: Kind
    at_ms: int
    position_seconds: int | None = None
    manifest_type: str | None = None
    device: str | None = None
    duration_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a record in Kafka."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that cannot be counted, and the ``reason``. ``value`` may be only its beginning."""

    place: Place
    reason: str
    key: str | None = None
    user_id: UUID | None = None
    value: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ViewingBatch:
    """The records of a batch. ``next_offsets`` are the offsets after it, by topic and partition."""

    events: tuple[tuple[Place, ViewingEvent], ...]
    dead_letters: tuple[DeadLetter, ...]
    next_offsets: dict[tuple[str, int], int]


def day_of(day_number: int) -> date:
    """Return the day in UTC by its number since 1 January 1970."""
    return date.fromordinal(_FIRST_DAY + day_number)


_FIRST_DAY = date(1970, 1, 1).toordinal()
