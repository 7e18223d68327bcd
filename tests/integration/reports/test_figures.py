"""The figures of the reports agree with each other and with the traffic."""

from uuid import uuid4

import pytest

from streaming.domain.viewing import ALL_FILMS
from tests.integration.reports.calls import FIRST, LAST, MADE, RANGE, films, of_film, report, table
from tests.support.viewing_figures import Figures
from tests.support.viewing_traffic import DURATIONS

ADDITIVE = (
    "views",
    "viewer_days",
    "sessions",
    "abandoned_sessions",
    "watch_time_ms",
    "completions",
)


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
