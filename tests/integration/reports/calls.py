"""Calls of the reports as an administrator, and the traffic that they report."""

import csv
import io

from tests.support.functions import Json, Response, event, request
from tests.support.viewing_traffic import traffic

FIRST, LAST = "2026-10-30", "2026-11-04"
RANGE = {"from": FIRST, "to": LAST}
MADE = traffic(900, viewers=10, sittings=60)


def report(name: str, accept: str = "application/json", **query: str) -> Response:
    """Call a report as an administrator; ``name`` is that of its event."""
    payload = event(f"insights_{name}")
    payload["queryStringParameters"] = query
    payload["headers"]["accept"] = accept
    return request("insights", payload)


def of_film(movie_id: str, accept: str = "application/json", **query: str) -> Response:
    """Call the report of a film."""
    payload = event("insights_movie")
    payload["pathParameters"] = {"movie_id": movie_id}
    payload["queryStringParameters"] = query
    payload["headers"]["accept"] = accept
    return request("insights", payload)


def films() -> list[Json]:
    """Return all films with their measures."""
    items: list[Json] = report("movies", **RANGE, limit="200").json["items"]
    return items


def table(response: Response) -> list[dict[str, str]]:
    """Return the rows of a response in CSV."""
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.body)))
