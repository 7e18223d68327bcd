"""The query parameters of reports, strictly parsed: an unknown one is an error."""

import re
from collections.abc import Collection
from datetime import date, timedelta
from typing import Literal, TypeVar, get_args
from uuid import UUID

from streaming.api.http import Request
from streaming.domain.errors import InvalidRequest, NotAcceptable
from streaming.domain.identifiers import parse_uuid
from streaming.domain.reports import LONGEST_RANGE_DAYS, STEP_SECONDS, Days, Sort, Step

Format = Literal["json", "csv"]
Choice = TypeVar("Choice", bound=str)

DAYS_BY_DEFAULT = 28
MOST_FILMS = 200
FILMS_BY_DEFAULT = 50
LARGEST_OFFSET = 1_000_000
MOST_POINTS = 3000
SORTS: tuple[Sort, ...] = get_args(Sort)
STEPS: tuple[Step, ...] = get_args(Step)
ORDERS = ("desc", "asc")
TABLES = ("days", "retention")
RANGE = ("from", "to", "timezone")

_FORMATS: dict[str, Format] = {
    "": "json",
    "*/*": "json",
    "application/*": "json",
    "application/json": "json",
    "text/*": "csv",
    "text/csv": "csv",
}

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def allow_only(request: Request, names: Collection[str]) -> None:
    """Raise ``InvalidRequest`` if the query has another parameter: it may be misspelt."""
    if not set(request.query) <= set(names):
        raise InvalidRequest(f"unknown parameters; allowed are {', '.join(names)}")


def days_of(request: Request, today: date, by_default: int = DAYS_BY_DEFAULT) -> Days:
    """Return the days from ``from`` to ``to``; without ``from``, ``by_default`` days.

    Raises ``InvalidRequest`` unless they are days of UTC in this order, at most
    ``LONGEST_RANGE_DAYS``.
    """
    if request.query.get("timezone", "UTC") != "UTC":
        raise InvalidRequest("timezone is not UTC, the only one in which days are counted")
    last = _day(request, "to") or today
    first = _day(request, "from") or last - timedelta(days=by_default - 1)
    if first > last:
        raise InvalidRequest("from is after to")
    days = Days(first, last)
    if days.count > LONGEST_RANGE_DAYS:
        raise InvalidRequest(f"from and to include more than {LONGEST_RANGE_DAYS} days")
    return days


def require_few_points(days: Days, step: Step) -> None:
    """Raise ``InvalidRequest`` if the range has too many steps for one response."""
    if days.count * STEP_SECONDS["day"] > MOST_POINTS * STEP_SECONDS[step]:
        raise InvalidRequest(
            f"from and to include more than {MOST_POINTS} steps; choose longer ones"
        )


def choice_of(request: Request, name: str, allowed: tuple[Choice, ...], default: Choice) -> Choice:
    """Return the parameter ``name``. Raises ``InvalidRequest`` unless its value is allowed."""
    value = request.query.get(name, default)
    if value not in allowed:
        raise InvalidRequest(f"{name} is not one of {', '.join(allowed)}")
    return value


def film_of(request: Request) -> UUID | None:
    """Return the parameter ``movie_id``, None without one. Raises ``InvalidRequest``."""
    if "movie_id" not in request.query:
        return None
    movie_id = parse_uuid(request.query["movie_id"])
    if movie_id is None:
        raise InvalidRequest("movie_id is not a UUID")
    return movie_id


def format_of(request: Request) -> Format:
    """Return the format that ``Accept`` prefers, JSON by default. Raises ``NotAcceptable``."""
    best: tuple[float, Format] | None = None
    for part in request.headers.get("accept", "*/*").lower().split(","):
        media, *parameters = (each.strip() for each in part.split(";"))
        found = _FORMATS.get(media)
        quality = _quality(parameters)
        if found is not None and quality > 0 and (best is None or quality > best[0]):
            best = (quality, found)
    if best is None:
        raise NotAcceptable("reports are application/json or text/csv")
    return best[1]


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if re.fullmatch(r"q=[01](\.[0-9]{0,3})?", parameter):
            return float(parameter[2:])
    return 1.0


def _day(request: Request, name: str) -> date | None:
    text = request.query.get(name)
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text) and 2000 <= int(text[:4]) <= 9998:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidRequest(f"{name} is not a day of UTC such as 2026-11-28")
