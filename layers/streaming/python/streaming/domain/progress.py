"""Watch progress: what players report, what is on record, and where a film goes on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

COMPLETED_AT = 0.9
"""The share of a film's length from which on it counts as watched to its end."""


@dataclass(frozen=True, slots=True)
class ReportOrder:
    """Where a report stands among those of its session."""

    session_id: UUID
    sequence: int


@dataclass(frozen=True, slots=True)
class Report:
    """A position that a player reports, in whole seconds.

    ``session_id`` says whose report it is; with ``sequence`` it also has its place in an order. It
    was made ``age_seconds`` before ``reported_at``, when it arrived.
    """

    user_id: UUID
    movie_id: UUID
    position_seconds: int
    session_id: UUID | None
    sequence: int | None
    reported_at: datetime
    age_seconds: float = 0.0

    @property
    def order(self) -> ReportOrder | None:
        """The report's place in its session, or None."""
        if self.session_id is None or self.sequence is None:
            return None
        return ReportOrder(self.session_id, self.sequence)

    def made_at(self, session_started_at: datetime | None) -> datetime:
        """Return when it was made: not before its session, if any, was started."""
        made_at = self.reported_at - timedelta(seconds=self.age_seconds)
        if session_started_at is None or made_at >= session_started_at:
            return made_at
        return min(session_started_at, self.reported_at)


@dataclass(frozen=True, slots=True)
class SavedProgress:
    """A position on record.

    ``version`` counts the changes of the record; a cache keeps the greatest. ``order`` is that of
    the latest ordered report that counted. ``times_completed`` is how often the film was watched
    to its end, the last time at ``completed_at``. A record that ``is_removed`` has no position
    until the next report. ``film_duration_seconds`` is the film's length as it is now, when that
    was looked up, and ``duration_seconds`` as it was when the user watched it.
    """

    user_id: UUID
    movie_id: UUID
    position_seconds: int
    last_watched_at: datetime
    duration_seconds: int | None
    completed: bool
    order: ReportOrder | None
    version: int
    completed_at: datetime | None = None
    times_completed: int = 0
    is_removed: bool = False
    film_duration_seconds: int | None = None


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


def position_to_resume(position_seconds: int, duration_seconds: int | None) -> int:
    """Return where a film of that length begins for who has left it there: before its end."""
    if duration_seconds is None or position_seconds < duration_seconds:
        return position_seconds
    return max(0, duration_seconds - 1)


def position_inside(position_seconds: int, duration_seconds: int | None) -> int:
    """Return a position that is not behind the end of a film of that length."""
    if duration_seconds is None or position_seconds <= duration_seconds:
        return position_seconds
    return position_to_resume(position_seconds, duration_seconds)
