"""The reports of what was watched, through the function's handler."""

import csv
import io
import json
import random
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest

from local.stack import Stack
from streaming.config.database import DatabaseSettings
from streaming.domain.viewing import ALL_FILMS
from streaming.repository import migrations
from streaming.repository.analytics import figures
from streaming.repository.analytics.record import ViewingRecord
from streaming.repository.database import Database
from streaming.repository.transaction import Transaction
from streaming.usecases.record_viewing import RecordViewing
from tests.support.databases import empty_database
from tests.support.functions import ROOT, Json, Response, event, forget_environment, request
from tests.support.viewing_figures import Figures
from tests.support.viewing_traffic import DURATIONS, batches, traffic
from tests.support.waiting import eventually

FIRST, LAST = "2026-10-30", "2026-11-04"
RANGE = {"from": FIRST, "to": LAST}
MADE = traffic(900, viewers=10, sittings=60)
ADDITIVE = (
    "views",
    "viewer_days",
    "sessions",
    "abandoned_sessions",
    "watch_time_ms",
    "completions",
)


@pytest.fixture(scope="module")
def counted(stack: Stack) -> Iterator[str]:
    """A database in which the traffic is counted."""
    with empty_database(stack) as url:
        with closing(Database(DatabaseSettings(url), 30)) as database:
            migrations.apply(database, ROOT / "migrations")
            record_viewing = RecordViewing(ViewingRecord(database))
            for batch in batches(MADE.records(), random.Random(9), most=400):
                record_viewing(batch)
        yield url


@pytest.fixture(autouse=True)
def reporting(
    counted: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The function's environment uses this database."""
    monkeypatch.setenv("DATABASE_URL", counted)
    forget_environment()
    yield
    forget_environment()


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


def test_totals_agree_between_all_pages() -> None:
    """The total of the overview, of its days, of the films and of each film's days is the same."""
    overview = report("overview", **RANGE).json
    ranking = report("movies", **RANGE, limit="200").json

    assert overview["total"] == ranking["total"]
    assert ranking["count"] == len(ranking["items"]) == len(DURATIONS)
    pages = {item["movie_id"]: of_film(item["movie_id"], **RANGE).json for item in films()}
    for name in ADDITIVE:
        total = overview["total"][name]
        assert total > 0
        assert sum(day["measures"][name] for day in overview["days"]) == total
        assert sum(item["measures"][name] for item in ranking["items"]) == total
        assert sum(page["total"][name] for page in pages.values()) == total
        for item in ranking["items"]:
            page = pages[item["movie_id"]]
            assert page["total"] == item["measures"]
            assert sum(day["measures"][name] for day in page["days"]) == page["total"][name]
    for parts in ("devices", "manifest_types"):
        assert sum(overview[parts].values()) == overview["total"]["sessions"]
        for value, sessions in overview[parts].items():
            assert sum(page[parts].get(value, 0) for page in pages.values()) == sessions
    always = {"from": "2026-01-01", "to": "2026-12-31"}
    assert overview["all_time"] == report("overview", **always).json["total"]


def test_unique_viewers_are_counted_once() -> None:
    """For any range, unique viewers equal the distinct users of its views."""
    expected = Figures(MADE.values)
    for first, last in (("2026-10-30", "2026-10-30"), ("2026-10-31", "2026-11-01"), (FIRST, LAST)):
        known = dict(expected.uniques(first, last))
        overview = report("overview", **{"from": first, "to": last}).json
        assert overview["total"]["unique_viewers"] == known.get(str(ALL_FILMS), 0)
        for item in report("movies", **{"from": first, "to": last}).json["items"]:
            unique = item["measures"]["unique_viewers"]
            assert unique == known.get(item["movie_id"], 0)
            assert unique <= item["measures"]["viewer_days"] <= item["measures"]["views"]


def test_concurrency_agrees_with_the_films() -> None:
    """All films together have the sum of the viewers of each film, at every minute."""
    days = {"from": "2026-10-30", "to": "2026-10-31"}
    everything = report("concurrency", **days).json
    parts = [report("concurrency", **days, movie_id=item["movie_id"]).json for item in films()]

    assert len(everything["points"]) == 2 * 24 * 60
    for number, point in enumerate(everything["points"]):
        of_films = (part["points"][number]["viewers"] for part in parts)
        assert sum(of_films) == point["viewers"]
    greatest = max(point["viewers"] for point in everything["points"])
    assert everything["peak"]["viewers"] == greatest > 0
    hours = report("concurrency", **days, step="hour").json
    assert len(hours["points"]) == 48
    assert max(point["viewers"] for point in hours["points"]) == greatest
    assert hours["peak"] == everything["peak"]


def test_retention_curve() -> None:
    """No more viewers play a hundredth than there are; plays are no fewer than their viewers."""
    measured = 0
    for item in films():
        curve = of_film(item["movie_id"], **RANGE).json["retention"]
        measured += curve["viewers"]
        whole = max(curve["viewers"], 1)
        assert len(curve["audience"]) == len(curve["plays"]) == 100
        for viewers, plays, share in zip(
            curve["audience_count"], curve["play_count"], curve["audience"], strict=True
        ):
            assert viewers <= curve["viewers"]
            assert viewers <= plays
            assert share == round(viewers / whole, 4)
        mean = 100 * sum(curve["audience_count"]) / 100 / whole
        assert round(mean, 2) == item["measures"]["average_percentage_watched"]
    assert measured > 0


@pytest.mark.parametrize("sort", ["views", "unique_viewers", "watch_time_ms", "completion_rate"])
def test_films_are_sorted_and_paged(sort: str) -> None:
    """Pages follow each other in the order of the measure, in both directions, without gaps."""
    pages = [
        report("movies", **RANGE, sort=sort, limit="2", offset=str(offset)).json
        for offset in (0, 2, 4, 6)
    ]
    listed = [item for page in pages for item in page["items"]]

    assert [len(page["items"]) for page in pages] == [2, 2, 1, 0]
    assert {page["count"] for page in pages} == {len(DURATIONS)}
    assert len({item["movie_id"] for item in listed}) == len(DURATIONS)
    values = [item["measures"][sort] for item in listed]
    assert values == sorted(values, reverse=True)
    rising = report("movies", **RANGE, sort=sort, order="asc").json["items"]
    assert [item["measures"][sort] for item in rising] == sorted(values)


def test_csv_has_the_same_figures() -> None:
    """Each report as CSV has the rows of the JSON."""
    overview = report("overview", **RANGE).json
    rows = table(report("overview", "text/csv", **RANGE))
    assert [row["day"] for row in rows] == [day["day"] for day in overview["days"]]
    for row, day in zip(rows, overview["days"], strict=True):
        assert {name: float(row[name]) for name in day["measures"]} == day["measures"]
    listed = table(report("movies", "text/csv;q=0.9, application/xml", **RANGE))
    assert [row["movie_id"] for row in listed] == [film["movie_id"] for film in films()]
    movie_id = listed[0]["movie_id"]
    assert len(table(of_film(movie_id, "text/csv", **RANGE))) == len(rows)
    curve = table(of_film(movie_id, "text/csv", **RANGE, table="retention"))
    assert [row["hundredth"] for row in curve] == [str(number) for number in range(100)]
    points = table(report("concurrency", "text/csv", **{"from": FIRST, "to": FIRST}))
    assert len(points) == 24 * 60
    assert points[0]["at"] == "2026-10-30T00:00:00.000Z"


def test_a_film_without_views_has_zeros() -> None:
    """A film of which no event was ever sent is no error."""
    page = of_film(str(uuid4()), **RANGE).json

    assert set(page["total"].values()) == {0}
    assert set(page["retention"]["audience"]) == {0}
    assert len(page["days"]) == 6
    assert page["duration_seconds"] is None


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("overview", {"from": "2026-11-02", "to": "2026-11-01"}),
        ("overview", {"from": "2016-11-01", "to": "2026-11-01"}),
        ("overview", {"from": "2026-02-30"}),
        ("overview", {"from": "2026-11-01T00:00:00+03:00"}),
        ("overview", {"from": "\u0662\u0660\u0662\u0666-11-01"}),
        ("overview", {"from": ""}),
        ("overview", {"from": "0000-01-01"}),
        ("overview", {"to": "9999-12-31"}),
        ("overview", {"timezone": "Europe/Berlin"}),
        ("overview", {"timezone": "UTC'; SELECT pg_sleep(9); --"}),
        ("movies", {"sort": "views; DROP TABLE films"}),
        ("movies", {"sort": "movie_id"}),
        ("movies", {"order": "desc nulls first"}),
        ("movies", {"limit": "0"}),
        ("movies", {"limit": "201"}),
        ("movies", {"offset": "-1"}),
        ("movies", {"offset": "9999999"}),
        ("concurrency", {"step": "second"}),
        ("concurrency", {"movie_id": "all"}),
        ("concurrency", {"movie_id": str(ALL_FILMS)}),
        ("concurrency", {"from": "2026-01-01", "to": "2026-11-01", "step": "minute"}),
    ],
)
def test_bad_parameters_are_named(name: str, query: dict[str, str]) -> None:
    """A parameter that is not allowed gets 422 with its name, whatever it contains."""
    answer = report(name, **query)

    assert (answer.status, answer.json["code"]) == (422, "invalid_request")
    assert any(each in answer.json["detail"] for each in query)


def test_unknown_parameters_are_refused() -> None:
    """A parameter that may be misspelt gets 422, with the names of those that there are."""
    answer = report("overview", tz="UTC")

    assert (answer.status, answer.json["code"]) == (422, "invalid_request")
    assert "timezone" in answer.json["detail"]


def test_all_films_are_not_a_film() -> None:
    """The id that stands for all films in the tables gets 422, not the figures of all films."""
    answer = of_film(str(ALL_FILMS), **RANGE)

    assert (answer.status, answer.json["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("text/csv", 200),
        ("text/html, */*;q=0.1", 200),
        ("text/html", 406),
        ("application/json;q=0, text/csv;q=0", 406),
    ],
)
def test_media_types(accept: str, status: int) -> None:
    """A media type that reports do not have gets 406."""
    assert report("overview", accept, **RANGE).status == status


def test_only_for_administrators() -> None:
    """Other users get 403, and nobody without a token anything."""
    assert request("insights", event("insights_not_admin")).status == 403
    payload = event("insights_overview")
    payload["requestContext"]["authorizer"]["lambda"] = {"token_problem": "token_expired"}
    assert request("insights", payload).status == 401


def test_where_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without analytics the reports say so, instead of zeros."""
    monkeypatch.setenv("ENABLE_ANALYTICS", "false")
    forget_environment()

    answer = report("overview")

    assert (answer.status, answer.json["code"]) == (404, "analytics_disabled")


def test_without_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PostgreSQL the reports answer 503."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    forget_environment()

    answer = report("overview")

    assert (answer.status, answer.json["code"]) == (503, "database_unavailable")


def test_figures_of_a_report_agree_while_batches_are_stored(counted: str) -> None:
    """A batch that is stored while a report is read is in all of its figures, or in none."""
    always = {"from": "2026-01-01", "to": "2026-12-31"}
    with (
        closing(Database(DatabaseSettings(counted))) as database,
        closing(Database(DatabaseSettings(counted))) as watching,
        ThreadPoolExecutor() as executor,
    ):

        def store(transaction: Transaction) -> Future[Response]:
            transaction.rows("LOCK TABLE analytics_breakdown")
            reading = executor.submit(report, "overview", **always)
            assert eventually(lambda: watching.query(WAITING))
            transaction.rows("UPDATE analytics_days SET views = views + 1000")
            return reading

        body = database.run(store).result().json
        database.query("UPDATE analytics_days SET views = views - 1000")

    assert sum(day["measures"]["views"] for day in body["days"]) == body["total"]["views"]
    assert body["total"] == body["all_time"]


WAITING = """
    SELECT 1 FROM pg_locks WHERE NOT granted AND relation = CAST('analytics_breakdown' AS regclass)
"""

PAGE = {"first", "last", "limit", "offset"}
STATEMENTS = {
    "total": (figures.TOTAL, {"movie_id", "first", "last"}),
    "days": (figures.BY_DAY, {"movie_id", "first", "last"}),
    "breakdown": (figures.BREAKDOWN, {"movie_id", "first", "last"}),
    "curve": (figures.CURVE, {"movie_id", "first", "last"}),
    "films": (figures.in_order("views", descending=True), PAGE),
    "films by viewers": (figures.in_order("unique_viewers", descending=True), PAGE),
    "minutes": (figures.MINUTES, {"movie_id", "first", "end", "seconds"}),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_reports_read_figures_only(counted: str, name: str) -> None:
    """No report reads events, sessions or viewers: its cost does not grow with them."""
    statement, names = STATEMENTS[name]
    values = {
        "movie_id": str(ALL_FILMS),
        "first": FIRST,
        "last": LAST,
        "end": LAST,
        "seconds": 60,
        "limit": 50,
        "offset": 0,
    }

    def work(transaction: Any) -> Any:
        transaction.rows("SELECT set_config('enable_seqscan', 'off', true)")
        given = {each: values[each] for each in names}
        return transaction.rows(f"EXPLAIN (FORMAT JSON) {statement}", **given)

    with closing(Database(DatabaseSettings(counted))) as database:
        (row,) = database.run(work)
    nodes = list(nodes_of(row["QUERY PLAN"][0]["Plan"]))
    tables = {node["Relation Name"] for node in nodes if "Relation Name" in node}
    kinds = {node["Node Type"] for node in nodes if "Relation Name" in node}

    assert tables <= {
        "analytics_days",
        "analytics_returns",
        "analytics_breakdown",
        "analytics_curves",
        "analytics_minutes_2026_10",
        "analytics_minutes_2026_11",
    }
    assert "Seq Scan" not in kinds, json.dumps(row["QUERY PLAN"])


def nodes_of(plan: Json) -> Iterator[Json]:
    """Yield the nodes of a plan."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes_of(child)
