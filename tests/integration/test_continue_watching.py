"""Continue watching: films that exist, were started, and were never watched to the end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import UUID, uuid4

import pytest

from local.stack import Stack
from tests.conftest import Rows
from tests.support.functions import (
    ExecutionEnvironment,
    Response,
    Viewer,
    event,
    forget_environment,
    invoke,
    request,
)
from tests.support.redis_of_stack import client_of

MOST_UNCONFIRMED = 20


@pytest.fixture
def film(stack: Stack) -> Iterator[UUID]:
    """A film of 12 s that was never started."""
    movie_id = uuid4()
    put_film(stack, movie_id, 12)
    yield movie_id
    remove_film(stack, movie_id)


def put_film(stack: Stack, movie_id: UUID, seconds: int) -> None:
    """Upload a film of that length, replacing an existing one."""
    segments = "".join(f"#EXTINF:2,\nsegment{number}.ts\n" for number in range(seconds // 2))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n{segments}#EXT-X-ENDLIST\n"
    stack.s3.admin_client.put_object(
        Bucket="vod", Key=f"movies/{movie_id}/index.m3u8", Body=playlist.encode()
    )


def remove_film(stack: Stack, movie_id: UUID) -> None:
    """Delete a film from the bucket."""
    stack.s3.admin_client.delete_object(Bucket="vod", Key=f"movies/{movie_id}/index.m3u8")


def invalidate(movie_id: UUID) -> int:
    """Invalidate the film; return the status of the response."""
    payload = event("invalidate")
    payload["pathParameters"] = {"movie_id": str(movie_id)}
    return request("invalidate", payload).status


def listed(viewer: Viewer) -> list[str]:
    """Return the films of continue watching."""
    return [item["movie_id"] for item in viewer.continue_watching(100).json["items"]]


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


def published(stack: Stack, movie_id: UUID) -> list[str]:
    """Return the keys of the film's copies in Redis."""
    with client_of(stack) as redis:
        return [str(key) for key in redis.scan_iter(f"*{movie_id}*") if "progress:" not in str(key)]


def test_other_form(viewer: Viewer, film: UUID) -> None:
    """A film without the requested manifest type still exists."""
    viewer.start(film)
    viewer.report(film, 5)

    assert viewer.start(film, {"manifest_type": "dash"}).status == 404

    assert listed(viewer) == [str(film)]


def test_shorter_cut(stack: Stack, viewer: Viewer, film: UUID) -> None:
    """In a film that was replaced by a shorter cut, every position is inside the new length."""
    viewer.start(film)
    viewer.stop(film, 10)

    put_film(stack, film, 6)
    assert invalidate(film) == 200

    shown = viewer.progress(film).json
    (item,) = viewer.continue_watching().json["items"]
    assert (shown["position_seconds"], shown["duration_seconds"]) == (5, 6)
    assert (item["position_seconds"], item["duration_seconds"]) == (5, 6)
    started = viewer.start(film).json
    assert (started["resume_position_seconds"], started["duration_seconds"]) == (5, 6)


def test_longer_cut(stack: Stack, viewer: Viewer, film: UUID) -> None:
    """A position stays valid in a longer cut, whose length is returned."""
    viewer.start(film)
    viewer.stop(film, 10)

    put_film(stack, film, 24)
    assert invalidate(film) == 200

    shown = viewer.progress(film).json
    assert (shown["position_seconds"], shown["duration_seconds"]) == (10, 24)


def test_rewatch(viewer: Viewer, film: UUID) -> None:
    """A completed film stays completed when it is started again, and is not listed."""
    viewer.start(film)
    viewer.stop(film, 12)
    first = viewer.progress(film).json
    assert viewer.start(film).json["resume_position_seconds"] == 11

    viewer.stop(film, 1)

    again = viewer.progress(film).json
    assert (first["completed"], first["times_completed"]) == (True, 1)
    assert (again["completed"], again["position_seconds"]) == (True, 1)
    assert again["completed_at"] == first["completed_at"] is not None
    assert listed(viewer) == []


def test_rewatch_without_sessions(viewer: Viewer, stranger: Viewer, film: UUID) -> None:
    """A film is completed without a start, too, once its length is known."""
    viewer.start(film)
    stranger.report(film, 12)
    assert stranger.progress(film).json["completed"]
    assert listed(stranger) == []

    stranger.report(film, 1)

    again = stranger.progress(film).json
    assert (again["completed"], again["times_completed"]) == (True, 1)
    assert listed(stranger) == []


def test_times_completed(viewer: Viewer, film: UUID) -> None:
    """Each completion counts once, whatever is reported after it."""
    viewer.start(film)
    for position in (11, 12, 12, 3, 11, 12, 1):
        viewer.report(film, position)

    shown = viewer.progress(film).json
    assert (shown["completed"], shown["times_completed"]) == (True, 2)


@pytest.mark.parametrize(("position", "is_offered"), [(0, False), (1, False), (2, True)])
def test_minimum(
    stack: Stack, viewer: Viewer, film: UUID, position: int, *, is_offered: bool
) -> None:
    """A short film is listed from a twentieth of its length on."""
    put_film(stack, film, 30)
    viewer.start(film)
    viewer.stop(film, position)

    assert listed(viewer) == ([str(film)] if is_offered else [])
    assert viewer.start(film).json["resume_position_seconds"] == position


@pytest.mark.parametrize(("position", "is_offered"), [(29, False), (30, True)])
def test_minimum_of_a_long_film(
    stack: Stack, viewer: Viewer, film: UUID, position: int, *, is_offered: bool
) -> None:
    """A long film is listed from half a minute on."""
    put_film(stack, film, 3600)
    viewer.start(film)
    viewer.stop(film, position)

    assert listed(viewer) == ([str(film)] if is_offered else [])


@pytest.mark.parametrize(("seconds", "percent", "is_offered"), [(4, 90, True), (5, 90, False)])
def test_minimum_is_configured(
    viewer: Viewer,
    film: UUID,
    monkeypatch: pytest.MonkeyPatch,
    seconds: int,
    percent: int,
    *,
    is_offered: bool,
) -> None:
    """The minimum in seconds and in percent is read from the environment."""
    monkeypatch.setenv("CONTINUE_WATCHING_MIN_SECONDS", str(seconds))
    monkeypatch.setenv("CONTINUE_WATCHING_MIN_PERCENT", str(percent))
    forget_environment()
    viewer.start(film)
    viewer.stop(film, 4)

    assert listed(viewer) == ([str(film)] if is_offered else [])


def test_remove(stack: Stack, viewer: Viewer, film: UUID) -> None:
    """A removed film is not listed and not in Redis; the next report adds it again."""
    session_id = viewer.start(film).json["session_id"]
    viewer.report(film, 5, session_id=session_id, sequence=2)

    removed = [viewer.remove(film), viewer.remove(film)]
    late = viewer.report(film, 5, session_id=session_id, sequence=1)

    assert [(answer.status, answer.body) for answer in removed] == [(204, "")] * 2
    assert late.json["applied"] is False
    assert listed(viewer) == []
    assert viewer.progress(film).json["code"] == "progress_not_found"
    cached = client_of(stack).get(f"progress:{viewer.user_id}:{film}")
    assert '"is_removed":true' in str(cached)
    assert viewer.start(film).json["resume_position_seconds"] == 0

    assert viewer.report(film, 6, session_id=session_id, sequence=3).json["applied"] is True
    assert listed(viewer) == [str(film)]
    assert viewer.progress(film).json["position_seconds"] == 6


def test_remove_what_was_watched(viewer: Viewer, film: UUID) -> None:
    """A film's completion stays on record when it is removed."""
    viewer.start(film)
    viewer.stop(film, 12)
    viewer.remove(film)

    assert viewer.start(film).json["completed"] is True
    viewer.report(film, 1)
    assert viewer.progress(film).json["times_completed"] == 1


def test_remove_what_is_not_there(viewer: Viewer, rows: Rows) -> None:
    """Removing a film without a position changes nothing, and succeeds."""
    assert viewer.remove(uuid4()).status == 204

    saved = "SELECT 1 FROM watch_progress WHERE user_id = :id"
    assert rows(saved, id=viewer.user_id) == []


def test_remove_is_of_its_user(viewer: Viewer, stranger: Viewer, film: UUID) -> None:
    """A user cannot remove a film from another user's list."""
    viewer.start(film)
    viewer.report(film, 5)

    stranger.remove(film)

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
