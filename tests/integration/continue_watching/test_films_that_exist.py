"""Continue watching has films that exist and were started."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import UUID, uuid4

import pytest

from local.stack import Stack
from tests.conftest import Rows
from tests.integration.continue_watching.films import (
    invalidate,
    listed,
    published,
    put_film,
    remove_film,
)
from tests.support.functions import (
    ExecutionEnvironment,
    Response,
    Viewer,
    event,
    forget_environment,
    invoke,
)
from tests.support.redis_of_stack import client_of

MOST_UNCONFIRMED = 20


def test_unknown_film(viewer: Viewer, film: UUID) -> None:
    """A film that does not exist is not listed beside one that was started."""
    viewer.start(film)
    viewer.report(film, 5)

    viewer.report(uuid4(), 5)
    viewer.stop(uuid4(), 500)

    assert listed(viewer) == [str(film)]


@pytest.mark.parametrize("call", ["report", "stop"])
def test_unknown_films_are_bounded(stranger: Viewer, rows: Rows, call: str) -> None:
    """Reports of random films add a limited number of rows, however many are concurrent."""

    def report_ten(environment: ExecutionEnvironment) -> list[Response]:
        with environment, closing(environment):
            return [getattr(stranger, call)(uuid4(), 5) for _ in range(10)]

    environments = [ExecutionEnvironment() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = [each for ten in pool.map(report_ten, environments) for each in ten]

    refused = [answer for answer in answers if answer.status != 200]
    assert len(answers) - len(refused) == MOST_UNCONFIRMED
    assert {(answer.status, answer.json["code"]) for answer in refused} == {
        (404, "movie_not_found")
    }
    saved = rows("SELECT movie_id FROM watch_progress WHERE user_id = :id", id=stranger.user_id)
    assert len(saved) == MOST_UNCONFIRMED
    assert stranger.report(saved[0]["movie_id"], 6).status == 200
    assert listed(stranger) == []


def test_bound_leaves_films_alone_that_exist(viewer: Viewer, film: UUID) -> None:
    """A user with too many unknown films can still report those that any user has started."""
    viewer.start(film)
    other = Viewer(uuid4(), viewer.token)
    for _ in range(MOST_UNCONFIRMED + 1):
        answer = other.report(uuid4(), 5)
    assert answer.status == 404

    assert other.report(film, 5).status == 200
    assert listed(other) == [str(film)]


def test_film_that_nobody_has_started(viewer: Viewer, film: UUID) -> None:
    """A client without starts may report a film; it is listed after housekeeping's check."""
    assert viewer.report(film, 5).json["applied"] is True
    assert viewer.progress(film).json["position_seconds"] == 5

    invoke("housekeeping", event("housekeeping"))

    assert listed(viewer) == [str(film)]


def test_positions_in_no_film_are_deleted(viewer: Viewer, rows: Rows) -> None:
    """A position in a film that never existed is kept for a day."""
    movie_id = uuid4()
    viewer.report(movie_id, 5)
    invoke("housekeeping", event("housekeeping"))
    assert viewer.progress(movie_id).status == 200

    age = "interval '25 hours' WHERE movie_id = :id"
    rows(f"UPDATE films SET created_at = created_at - {age}", id=movie_id)
    rows(f"UPDATE watch_progress SET last_watched_at = last_watched_at - {age}", id=movie_id)
    invoke("housekeeping", event("housekeeping"))

    assert viewer.progress(movie_id).status == 404
    assert rows("SELECT FROM films WHERE movie_id = :id", id=movie_id) == []


@pytest.mark.parametrize("noticed_by", ["housekeeping", "invalidate", "start"])
def test_film_that_is_gone(
    stack: Stack, viewer: Viewer, film: UUID, rows: Rows, noticed_by: str
) -> None:
    """A film that was deleted from the bucket is not listed, and is listed again if it returns."""
    viewer.start(film)
    viewer.report(film, 5)
    remove_film(stack, film)

    if noticed_by == "housekeeping":
        rows("UPDATE films SET checked_at = now() - interval '2 hours' WHERE movie_id=:f", f=film)
        invoke("housekeeping", event("housekeeping"))
    elif noticed_by == "invalidate":
        assert invalidate(film) == 404
    else:
        for key in published(stack, film):
            client_of(stack).delete(key)
        forget_environment()
        assert viewer.start(film).status == 404

    assert listed(viewer) == []
    assert viewer.progress(film).json["position_seconds"] == 5
    put_film(stack, film, 12)
    assert invalidate(film) == 200
    assert listed(viewer) == [str(film)]


def test_other_form(viewer: Viewer, film: UUID) -> None:
    """A film without the requested manifest type still exists."""
    viewer.start(film)
    viewer.report(film, 5)

    assert viewer.start(film, {"manifest_type": "dash"}).status == 404

    assert listed(viewer) == [str(film)]


def test_films_of_the_former_version(viewer: Viewer, film: UUID, rows: Rows) -> None:
    """Films that the previous version started, which had no table of films, are also listed."""
    session_id = viewer.start(film).json["session_id"]
    viewer.report(film, 5, session_id=session_id, sequence=1)
    viewer.report(uuid4(), 5)
    rows("DELETE FROM films WHERE movie_id = :film", film=film)
    unknown = "movie_id IN (SELECT movie_id FROM watch_progress WHERE user_id = :id)"
    rows(f"DELETE FROM films WHERE {unknown}", id=viewer.user_id)

    assert listed(viewer) == [str(film)]
    other = Viewer(uuid4(), viewer.token)
    assert other.report(film, 5).status == 200
    assert listed(other) == [str(film)]
