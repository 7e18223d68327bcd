"""Watch progress: reports of players, saved positions, and the position to resume from."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

COMPLETED_AT = 0.9
"""A film is completed from this fraction of its duration on."""


@dataclass(frozen=True, slots=True)
class ReportOrder:
    """The rank of a report among the reports of its session."""

    session_id: UUID
    sequence: int


@dataclass(frozen=True, slots=True)
class Report:
    """A position that a player reports, in whole seconds.

    ``session_id`` is the session that it belongs to, ``sequence`` its rank in that session. The
    report arrived at ``reported_at`` and was made ``age_seconds`` before.
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
        """The report's rank in its session; None without a session or a sequence."""
        if self.session_id is None or self.sequence is None:
            return None
        return ReportOrder(self.session_id, self.sequence)

    def made_at(self, session_started_at: datetime | None) -> datetime:
        """Return when it was made, at the earliest when its session (if any) started."""
        made_at = self.reported_at - timedelta(seconds=self.age_seconds)
        if session_started_at is None or made_at >= session_started_at:
            return made_at
        return min(session_started_at, self.reported_at)


@dataclass(frozen=True, slots=True)
class SavedProgress:
    """A saved position.

    ``version`` counts the changes of the record; the cache keeps the greatest version. ``order``
    is the order of the latest ordered report that was applied. ``times_completed`` is how often
    the user has completed the film, the last time at ``completed_at``. A record with
    ``is_removed`` has no position until the next report. ``film_duration_seconds`` is the film's
    present duration, if it was looked up; ``duration_seconds`` is its duration when the user
    watched it. ``recorded_at`` is when the transaction began that read or wrote the record, by the
    database's clock.
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
    recorded_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RecordedReport:
    """The result of a report.

    ``progress`` is None if none is saved; ``applied`` is false if the report did not change it;
    ``session_ended`` is true if the report's session has ended permanently. ``is_event_due`` is
    true if the report must have an event: also if it is a repeat, because its first attempt may
    have ended before the event was sent. ``is_event_next`` is true if no older event of the user
    is in the outbox.
    """

    progress: SavedProgress | None
    applied: bool
    session_id: UUID | None
    session_ended: bool = False
    is_event_due: bool = False
    is_event_next: bool = True


def position_to_resume(position_seconds: int, duration_seconds: int | None) -> int:
    """Return the position at which playback resumes, which is before the end of the film."""
    if duration_seconds is None or position_seconds < duration_seconds:
        return position_seconds
    return max(0, duration_seconds - 1)


def position_inside(position_seconds: int, duration_seconds: int | None) -> int:
    """Return the position; one beyond the end of the film becomes its last second."""
    if duration_seconds is None or position_seconds <= duration_seconds:
        return position_seconds
    return position_to_resume(position_seconds, duration_seconds)
