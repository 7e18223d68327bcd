"""The bodies of reports, also for OpenAPI."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self
from uuid import UUID

from streaming.api.measures import Measures
from streaming.api.response_models import DOCUMENTED
from streaming.domain.reports import Curve, FilmReport, Ranking, Summary


@dataclass(frozen=True, slots=True)
class MeasuresOfDay:
    """The measures of one day."""

    __pydantic_config__ = DOCUMENTED

    day: date
    """The day, in UTC."""
    measures: Measures
    """Its measures."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The measures of all films."""

    __pydantic_config__ = DOCUMENTED

    first_day: date
    """The first day, in UTC."""
    last_day: date
    """The last day, in UTC."""
    total: Measures
    """The measures of these days together."""
    days: list[MeasuresOfDay]
    """The measures of each of these days."""
    devices: Mapping[str, int]
    """The sessions by kind of device."""
    manifest_types: Mapping[str, int]
    """The sessions by manifest type."""
    all_time: Measures
    """The measures of all days since the first event."""

    @classmethod
    def of(cls, summary: Summary) -> Self:
        """Return the response for all films."""
        return cls(
            first_day=summary.days.first,
            last_day=summary.days.last,
            total=Measures.of(summary.total),
            days=_days(summary),
            devices=summary.breakdown.devices,
            manifest_types=summary.breakdown.manifest_types,
            all_time=Measures.of(summary.all_time),
        )


@dataclass(frozen=True, slots=True)
class MeasuresOfFilm:
    """The measures of one film."""

    __pydantic_config__ = DOCUMENTED

    movie_id: UUID
    """The film."""
    measures: Measures
    """Its measures."""


@dataclass(frozen=True, slots=True)
class Films:
    """Films in the order of a measure."""

    __pydantic_config__ = DOCUMENTED

    first_day: date
    """The first day, in UTC."""
    last_day: date
    """The last day, in UTC."""
    total: Measures
    """The measures of all films together, as in the overview."""
    count: int
    """The number of films that were watched on these days."""
    offset: int
    """The number of films before the first one of this page."""
    items: list[MeasuresOfFilm]
    """The films of this page."""

    @classmethod
    def of(cls, ranking: Ranking) -> Self:
        """Return the response with a page of films."""
        return cls(
            first_day=ranking.days.first,
            last_day=ranking.days.last,
            total=Measures.of(ranking.total),
            count=ranking.count,
            offset=ranking.offset,
            items=[
                MeasuresOfFilm(movie_id, Measures.of(figures))
                for movie_id, figures in ranking.films
            ],
        )


@dataclass(frozen=True, slots=True)
class Retention:
    """Which parts of a film are watched. Each list has a value for each hundredth of the film."""

    __pydantic_config__ = DOCUMENTED

    viewers: int
    """The viewers of each day, added up, for whom the film's duration is known."""
    audience: list[float]
    """The share of these viewers who played the hundredth, from 0 to 1."""
    plays: list[float]
    """How often a viewer played the hundredth on average; more than `audience` by rewatching."""
    audience_count: list[int]
    """The number of these viewers who played the hundredth."""
    play_count: list[int]
    """How often the hundredth was played."""

    @classmethod
    def of(cls, curve: Curve) -> Self:
        """Return the retention curve."""
        whole = curve.measured or 1
        return cls(
            viewers=curve.measured,
            audience=[round(viewers / whole, 4) for viewers in curve.viewers],
            plays=[round(plays / whole, 4) for plays in curve.plays],
            audience_count=list(curve.viewers),
            play_count=list(curve.plays),
        )


@dataclass(frozen=True, slots=True)
class Film:
    """The measures of one film."""

    __pydantic_config__ = DOCUMENTED

    movie_id: UUID
    """The film."""
    duration_seconds: int | None
    """Its present duration; null if it is not known."""
    first_day: date
    """The first day, in UTC."""
    last_day: date
    """The last day, in UTC."""
    total: Measures
    """The measures of these days together."""
    days: list[MeasuresOfDay]
    """The measures of each of these days."""
    devices: Mapping[str, int]
    """The sessions by kind of device."""
    manifest_types: Mapping[str, int]
    """The sessions by manifest type."""
    retention: Retention
    """Which parts of the film were watched on these days."""
    all_time: Measures
    """The measures of all days since the first event."""

    @classmethod
    def of(cls, report: FilmReport) -> Self:
        """Return the response for one film."""
        summary = report.summary
        return cls(
            movie_id=report.movie_id,
            duration_seconds=report.duration_seconds,
            first_day=summary.days.first,
            last_day=summary.days.last,
            total=Measures.of(summary.total),
            days=_days(summary),
            devices=summary.breakdown.devices,
            manifest_types=summary.breakdown.manifest_types,
            retention=Retention.of(report.curve),
            all_time=Measures.of(summary.all_time),
        )


def _days(summary: Summary) -> list[MeasuresOfDay]:
    return [MeasuresOfDay(day, Measures.of(figures)) for day, figures in summary.by_day]
