"""Requests that the reports refuse."""

import pytest

from streaming.domain.viewing import ALL_FILMS
from tests.integration.reports.calls import RANGE, of_film, report
from tests.support.functions import event, forget_environment, request


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
