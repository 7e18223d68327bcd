"""The rules of watch progress: which report counts, and when a film is completed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

_COMPLETED_AT = 0.9


@dataclass(frozen=True, slots=True, order=True)
class ReportOrder:
    """Where a report stands among all of a user's reports of a film.

    Session ids are UUIDv7, so those of a later session compare greater.
    """

    session_id: UUID
    sequence: int


@dataclass(frozen=True, slots=True)
class Report:
    """A position that a player reports, in whole seconds.

    ``session_id`` says whose report it is; with ``sequence`` it also has its place in an order.
    """

    user_id: UUID
    movie_id: UUID
    position_seconds: int
    session_id: UUID | None
    sequence: int | None
    reported_at: datetime

    @property
    def order(self) -> ReportOrder | None:
        """The report's place, or None: then the last write wins."""
        if self.session_id is None or self.sequence is None:
            return None
        return ReportOrder(self.session_id, self.sequence)


@dataclass(frozen=True, slots=True)
class SavedProgress:
    """A position on record.

    ``version`` counts the changes of the record; a cache keeps the greatest. ``order`` is the
    greatest that any applied report had.
    """

    user_id: UUID
    movie_id: UUID
    position_seconds: int
    last_watched_at: datetime
    duration_seconds: int | None
    completed: bool
    order: ReportOrder | None
    version: int


def supersedes(report: ReportOrder | None, on_record: ReportOrder | None) -> bool:
    """Tell whether a report changes the record: it is in no order, or it is a later one."""
    return report is None or on_record is None or report > on_record


def is_completed(position_seconds: int, duration_seconds: int | None) -> bool:
    """Tell whether a position counts as having watched the film."""
    return duration_seconds is not None and position_seconds >= _COMPLETED_AT * duration_seconds
