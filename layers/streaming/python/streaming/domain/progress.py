"""The rules of watch progress: which report counts, and when a film is completed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

_COMPLETED_AT = 0.9


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


def supersedes(
    report: Report,
    session_started_at: datetime | None,
    last_sequence: int | None,
    on_record: SavedProgress | None,
) -> bool:
    """Tell whether a report changes the record: what was watched last wins.

    ``last_sequence`` is the greatest of the report's session so far. A report that does not say
    its age is made as it arrives, and so after everything that is on record.
    """
    order, recorded = report.order, on_record.order if on_record else None
    if order and last_sequence is not None and order.sequence <= last_sequence:
        return False
    if order and recorded and order.session_id == recorded.session_id:
        return order.sequence > recorded.sequence
    if on_record is None or not report.age_seconds:
        return True
    return report.made_at(session_started_at) >= on_record.last_watched_at


def is_completed(position_seconds: int, duration_seconds: int | None) -> bool:
    """Tell whether a position counts as having watched the film."""
    return duration_seconds is not None and position_seconds >= _COMPLETED_AT * duration_seconds


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
