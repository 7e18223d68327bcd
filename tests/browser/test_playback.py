"""The player page plays the demo film from the private bucket, in a real browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from streaming.repository.transaction import Row
from tests.browser.conftest import Viewer
from tests.browser.player_page import PlayerPage
from tests.support.waiting import eventually

both_formats = pytest.mark.parametrize("manifest_type", ["hls", "dash"])


@both_formats
def test_plays_and_seeks(player: PlayerPage, manifest_type: str) -> None:
    """The film plays, forward and back, and every request is signed and succeeds."""
    player.choose_format(manifest_type)

    player.play()
    player.seek(40)
    player.seek(15)

    player.assert_clean()


def test_transport_streams_play(player: PlayerPage) -> None:
    """A film of MPEG-TS segments also plays."""
    player.film.select_option(label=_ts_film(player))

    player.play()
    player.seek(10)

    player.assert_clean()


@both_formats
def test_position_survives_a_reload(
    player: PlayerPage, viewer: Viewer, movie_id: str, manifest_type: str
) -> None:
    """After a reload the film resumes at its position, and the page says so."""
    player.choose_format(manifest_type)
    player.play()
    player.seek(30)
    left_at = player.position

    player.page.reload()
    # The last report of the old page may arrive after the first request of the new one.
    eventually(lambda: (viewer.saved_position(movie_id) or 0) >= 30)
    player.page.reload()
    expect(player.page.get_by_text("Continue from 0:3")).to_be_visible()
    player.play()

    assert left_at - 2 <= player.position <= left_at + 8
    expect(player.page.get_by_text("Resumed at 0:3")).to_be_visible()
    player.assert_clean()


def test_the_position_is_sent_every_ten_seconds(
    player: PlayerPage, viewer: Viewer, movie_id: str
) -> None:
    """While the film plays, its position is saved automatically."""
    with player.page.expect_response("**/progress") as report:
        player.play()

    sent: Any = report.value.request.post_data_json
    assert sent["sequence"] == 1
    assert sent["session_id"] == player.session_id
    assert 8 <= sent["position_seconds"] <= 12
    assert viewer.saved_position(movie_id) == sent["position_seconds"]


def test_leaving_the_page_stops_the_session(
    player: PlayerPage,
    viewer: Viewer,
    sessions: Callable[[], list[Row]],
    movie_id: str,
) -> None:
    """Closing the page ends the session and keeps the position."""
    player.play()
    player.seek(20)
    left_at = player.position

    player.page.goto("about:blank")

    eventually(lambda: [one["ended_at"] is not None for one in sessions()] == [True])
    assert viewer.saved_position(movie_id) == pytest.approx(left_at, abs=2)


def test_stop_and_continue(player: PlayerPage) -> None:
    """A stopped film is listed, and resumes at its position."""
    player.play()
    player.seek(25)
    player.page.get_by_role("button", name="Stop").click()
    expect(player.page.get_by_text("Stopped at 0:2")).to_be_visible()

    player.page.get_by_role("region", name="Continue watching").get_by_role("button").click()
    player.wait_until_playing()

    assert 24 <= player.position <= 32


def test_a_watched_film_starts_over(player: PlayerPage, viewer: Viewer, movie_id: str) -> None:
    """A film that is 90 % watched begins again."""
    report = {"position_seconds": 57}
    viewer.api.post(f"/stream/{movie_id}/progress", json=report).raise_for_status()

    player.play()

    assert player.position < 10


@both_formats
def test_the_end_is_saved(
    player: PlayerPage, viewer: Viewer, movie_id: str, manifest_type: str
) -> None:
    """At its end a film is completed, its session ended, and it is no longer listed."""
    player.choose_format(manifest_type)
    player.play()
    player.page.evaluate("document.querySelector('video').currentTime = 58")

    expect(player.page.get_by_text("Finished")).to_be_visible(timeout=20_000)
    expect(player.page.get_by_text("Films that you have started appear here.")).to_be_visible()
    eventually(lambda: viewer.saved_position(movie_id) == pytest.approx(60, abs=1))
    player.assert_clean()


def test_pressing_enter_plays(player: PlayerPage) -> None:
    """The page can be used without a mouse."""
    player.play_button.focus()
    player.page.keyboard.press("Enter")

    player.wait_until_playing()


def _ts_film(player: PlayerPage) -> str:
    options = player.film.locator("option").all_inner_texts()
    return next(title for title in options if "MPEG-TS" in title)
