"""The measures in the bodies of reports."""

from dataclasses import dataclass
from typing import Self

from streaming.api.response_models import DOCUMENTED
from streaming.domain.reports import Figures


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures of a film, or of all films, on one day or several."""

    __pydantic_config__ = DOCUMENTED

    views: int
    """Sessions of 30 seconds or more, unless they follow another one within half an hour."""
    unique_viewers: int
    """The users who have at least one view. They cannot be added up over days or films."""
    viewer_days: int
    """The viewers of each film and day, added up."""
    sessions: int
    """How often films were started."""
    abandoned_sessions: int
    """Sessions whose player stopped reporting."""
    watch_time_ms: int
    """The time that was watched, in milliseconds."""
    completions: int
    """The viewers of each film and day who reached 90 % of it, added up."""
    completion_rate: float
    """`completions` divided by `viewer_days`, from 0 to 1."""
    average_percentage_watched: float
    """The mean percentage of the film that its viewers saw on a day, from 0 to 100."""

    @classmethod
    def of(cls, figures: Figures) -> Self:
        """Return the measures."""
        return cls(
            views=figures.views,
            unique_viewers=figures.unique_viewers,
            viewer_days=figures.viewer_days,
            sessions=figures.sessions,
            abandoned_sessions=figures.abandoned_sessions,
            watch_time_ms=figures.watched_ms,
            completions=figures.completions,
            completion_rate=round(figures.completion_rate, 4),
            average_percentage_watched=round(figures.average_percentage_watched, 2),
        )
