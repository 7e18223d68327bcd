"""Requests for reports: their parameters, and their results as JSON or CSV."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from streaming.api import report_parameters as given
from streaming.api.concurrency_model import ConcurrencyReport
from streaming.api.csv_table import Cell, csv_table
from streaming.api.http import Request, Response, ok
from streaming.api.measures import Measures
from streaming.api.report_models import Film, Films, MeasuresOfDay, Overview
from streaming.domain.viewing import HUNDREDTHS
from streaming.usecases.report_viewing import ReportViewing

_NAMES = tuple(each.name for each in fields(Measures))


def overview(request: Request, reports: ReportViewing, now: datetime) -> Response:
    """Return the report of all films; as CSV, a row for each day."""
    given.allow_only(request, given.RANGE)
    wanted = given.format_of(request)
    body = Overview.of(reports.overview(given.days_of(request, now.date())))
    if wanted == "csv":
        return csv_table("overview", ("day", *_NAMES), _of_days(body.days))
    return _json(body)


def films(request: Request, reports: ReportViewing, now: datetime) -> Response:
    """Return a page of films in order; as CSV, a row for each film."""
    given.allow_only(request, (*given.RANGE, "sort", "order", "limit", "offset"))
    wanted = given.format_of(request)
    body = Films.of(
        reports.ranking(
            given.days_of(request, now.date()),
            given.choice_of(request, "sort", given.SORTS, "views"),
            descending=given.choice_of(request, "order", given.ORDERS, "desc") == "desc",
            limit=request.query_integer(
                "limit", given.FILMS_BY_DEFAULT, least=1, most=given.MOST_FILMS
            ),
            offset=request.query_integer("offset", 0, least=0, most=given.LARGEST_OFFSET),
        )
    )
    if wanted == "csv":
        rows = ((str(item.movie_id), *_cells(item.measures)) for item in body.items)
        return csv_table("films", ("movie_id", *_NAMES), rows)
    return _json(body)


def film(request: Request, reports: ReportViewing, now: datetime) -> Response:
    """Return the report of a film; as CSV, a row for each day, or for each hundredth."""
    given.allow_only(request, (*given.RANGE, "table"))
    wanted = given.format_of(request)
    table = given.choice_of(request, "table", given.TABLES, "days")
    body = Film.of(reports.film(request.movie_id, given.days_of(request, now.date())))
    if wanted == "json":
        return _json(body)
    if table == "days":
        return csv_table(f"film-{body.movie_id}", ("day", *_NAMES), _of_days(body.days))
    curve = asdict(body.retention)
    names = [name for name in curve if name != "viewers"]
    rows = zip(range(HUNDREDTHS), *(curve[name] for name in names), strict=True)
    return csv_table(f"retention-{body.movie_id}", ("hundredth", *names), rows)


def concurrency(request: Request, reports: ReportViewing, now: datetime) -> Response:
    """Return who watched at the same time; as CSV, a row for each step."""
    given.allow_only(request, (*given.RANGE, "movie_id", "step"))
    wanted = given.format_of(request)
    days = given.days_of(request, now.date(), by_default=1)
    step = given.choice_of(request, "step", given.STEPS, "minute")
    given.require_few_points(days, step)
    report = reports.concurrency(given.film_of(request), days, step, now)
    body = ConcurrencyReport.of(report)
    if wanted == "csv":
        return csv_table("concurrency", ("at", "viewers"), ((p.at, p.viewers) for p in body.points))
    return _json(body)


def _json(body: Any) -> Response:
    response = ok(body)
    return Response(200, response.body, {**response.headers, "Vary": "Accept"})


def _of_days(days: Iterable[MeasuresOfDay]) -> Iterable[Sequence[Cell]]:
    return ((each.day, *_cells(each.measures)) for each in days)


def _cells(measures: Measures) -> Iterable[Cell]:
    return (getattr(measures, name) for name in _NAMES)
