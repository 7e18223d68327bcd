"""The part of the OpenAPI document about the reports of what was watched."""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from streaming.api import report_models as models
from streaming.api import report_parameters as given
from streaming.api.concurrency_model import ConcurrencyReport, ConcurrentViewers
from streaming.api.http import to_json
from streaming.api.measures import Measures
from streaming.domain import errors
from streaming.domain.reports import LONGEST_RANGE_DAYS
from tools.openapi.operations import operation

MODELS: tuple[type, ...] = (models.Overview, models.Films, models.Film, ConcurrencyReport)

_FILM = UUID("0198c0de-0000-7000-8000-000000000001")
_DAY = date(2026, 11, 28)
_MEASURES = Measures(
    views=412,
    unique_viewers=387,
    viewer_days=398,
    sessions=455,
    abandoned_sessions=31,
    watch_time_ms=1_873_240_500,
    completions=201,
    completion_rate=0.505,
    average_percentage_watched=63.27,
)
_DAYS = [models.MeasuresOfDay(_DAY, _MEASURES)]
_PARTS = {"devices": {"tv": 260, "mobile": 195}, "manifest_types": {"hls": 401, "dash": 54}}
_CURVE = [round(1 - number / 250, 4) for number in range(100)]
_RETENTION = models.Retention(
    viewers=250,
    audience=_CURVE,
    plays=_CURVE,
    audience_count=[250 - number for number in range(100)],
    play_count=[250 - number for number in range(100)],
)

_PROBLEMS = (
    errors.TokenMissing,
    errors.TokenInvalid,
    errors.TokenExpired,
    errors.Forbidden,
    errors.AnalyticsDisabled,
    errors.NotAcceptable,
    errors.InvalidRequest,
    errors.DatabaseUnavailable,
)


def paths() -> dict[str, Any]:
    """Return the paths of the reports."""
    examples = {
        "overview": models.Overview(_DAY, _DAY, _MEASURES, _DAYS, **_PARTS, all_time=_MEASURES),
        "movies": models.Films(
            _DAY, _DAY, _MEASURES, 1, 0, [models.MeasuresOfFilm(_FILM, _MEASURES)]
        ),
        "movies/{movie_id}": models.Film(
            _FILM,
            5400,
            _DAY,
            _DAY,
            _MEASURES,
            _DAYS,
            **_PARTS,
            retention=_RETENTION,
            all_time=_MEASURES,
        ),
        "concurrency": ConcurrencyReport(
            _DAY,
            _DAY,
            None,
            "minute",
            date(2026, 10, 1),
            ConcurrentViewers(datetime(2026, 11, 28, 20, 31, tzinfo=UTC), 57),
            [ConcurrentViewers(datetime(2026, 11, 28, 20, 31, tzinfo=UTC), 57)],
        ),
    }
    about = {
        "overview": ("reportAllFilms", "Report all films", "As CSV, a row for each day.", []),
        "movies": (
            "rankFilms",
            "List films in the order of a measure",
            "As CSV, a row for each film.",
            _ranking(),
        ),
        "movies/{movie_id}": (
            "reportFilm",
            "Report a film",
            "A film that nobody has watched has zeros. As CSV, a row for each day or hundredth.",
            [_choice("table", given.TABLES, "days", "The table that CSV contains.")],
        ),
        "concurrency": (
            "reportConcurrency",
            "Report who watched at the same time",
            "As CSV, a row for each step. Without `from` it is about one day.",
            [_step(), _movie()],
        ),
    }
    return {
        f"/api/v1/analytics/{path}": {
            "get": _with_media(
                operation(
                    name,
                    "Analytics",
                    summary,
                    f"{text} Requires the claim `role: admin`.",
                    answer=type(examples[path]),
                    of_film="{movie_id}" in path,
                    parameters=[*_range(), *parameters],
                    problems=_PROBLEMS,
                ),
                examples[path],
            )
        }
        for path, (name, summary, text, parameters) in about.items()
    }  # fmt: skip


def _with_media(described: dict[str, Any], example: Any) -> dict[str, Any]:
    content = described["responses"]["200"]["content"]
    content["application/json"]["example"] = json.loads(to_json(example))
    content["text/csv"] = {"schema": {"type": "string"}}
    return described


def _query(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _choice(name: str, allowed: tuple[str, ...], default: str, description: str) -> dict[str, Any]:
    return _query(name, description, type="string", enum=list(allowed), default=default)


def _range() -> list[dict[str, Any]]:
    days = f"At most {LONGEST_RANGE_DAYS} days."
    return [
        _query("from", f"The first day, in UTC. {days}", type="string", format="date"),
        _query("to", "The last day, in UTC; today by default.", type="string", format="date"),
        _query("timezone", "Only UTC.", type="string", enum=["UTC"], default="UTC"),
    ]


def _ranking() -> list[dict[str, Any]]:
    return [
        _choice("sort", given.SORTS, "views", "The measure that determines the order."),
        _choice("order", given.ORDERS, "desc", "The direction of the order."),
        _query(
            "limit",
            "The maximum number of films.",
            type="integer",
            minimum=1,
            maximum=given.MOST_FILMS,
            default=given.FILMS_BY_DEFAULT,
        ),
        _query(
            "offset",
            "The number of films to skip.",
            type="integer",
            minimum=0,
            maximum=given.LARGEST_OFFSET,
            default=0,
        ),
    ]


def _step() -> dict[str, Any]:
    text = f"The greatest number of each minute, hour or day. At most {given.MOST_POINTS} steps."
    return _choice("step", given.STEPS, "minute", text)


def _movie() -> dict[str, Any]:
    return _query("movie_id", "One film instead of all.", type="string", format="uuid")
