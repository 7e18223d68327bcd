"""An expired URL does not interrupt the viewer: the page starts again at the position."""

import math
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from streaming.repository.transaction import Row
from tests.browser.conftest import Product
from tests.browser.player_page import PlayerPage
from tests.browser.short_lives import ShortLives

# The segments of the first seconds of the film. Later ones are rejected, however many requests a
# player makes before it plays.
BEGUN = 3


@pytest.mark.parametrize("manifest_type", ["hls", "dash"])
def test_an_expired_url_is_renewed(
    player: PlayerPage, sessions: Callable[[], list[Row]], manifest_type: str
) -> None:
    """If the storage refuses a URL, the film continues at its position with new ones."""
    player.choose_format(manifest_type)
    player.let_signatures_expire(after=BEGUN)
    player.play()

    player.seek(50)

    assert 403 in [each.status for each in player.storage_exchanges]
    assert len(player.calls("")) == 2
    expect(player.page.get_by_text("Playing", exact=True)).to_be_visible()
    first, second = sessions()
    assert first["ended_at"] is not None
    assert second["ended_at"] is None
    assert str(second["id"]) == player.session_id


@pytest.mark.parametrize("manifest_type", ["hls", "dash"])
def test_a_film_of_short_lived_urls_plays_on(
    product: Product, player: PlayerPage, sessions: Callable[[], list[Row]], manifest_type: str
) -> None:
    """URLs that are valid for seconds cause more starts, but no failure."""
    player.choose_format(manifest_type)
    ShortLives(product.document, player, seconds=5)
    player.play()

    player.wait_for_position(20)

    assert 403 in [each.status for each in player.storage_exchanges]
    *renewed, last = sessions()
    assert len(renewed) >= 2
    assert None not in [session["ended_at"] for session in renewed]
    assert last["ended_at"] is None


@pytest.mark.parametrize("manifest_type", ["hls", "dash"])
def test_the_buffer_is_shown_before_a_renewal(player: PlayerPage, manifest_type: str) -> None:
    """A refusal of later segments does not interrupt the film while its buffer lasts."""
    player.choose_format(manifest_type)
    player.let_signatures_expire(after=BEGUN)
    player.play()
    player.wait_for_refusal()

    player.wait_for_position(player.position + 2)

    assert len(player.calls("")) == 1


@pytest.mark.parametrize("manifest_type", ["hls", "dash"])
def test_renewals_end(player: PlayerPage, manifest_type: str) -> None:
    """A permanent refusal leads to a clear message after a few starts, not to a loop."""
    player.choose_format(manifest_type)
    player.let_signatures_expire(after=BEGUN, starts=math.inf)
    player.play()
    player.page.evaluate("document.querySelector('video').currentTime = 50")

    expect(player.notice).to_contain_text("The film stopped", timeout=30_000)
    assert len(player.calls("")) == 4

    player.page.unroute(f"{player.storage_url}/**")
    player.page.get_by_role("button", name="Try again").click()
    player.wait_until_playing()
    assert player.position >= 50


@pytest.mark.parametrize("manifest_type", ["hls", "dash"])
def test_a_film_that_stands_still_is_renewed(player: PlayerPage, manifest_type: str) -> None:
    """If requests never get a response, the film is started again automatically."""
    player.choose_format(manifest_type)
    player.let_storage_fall_silent(after=BEGUN)
    player.play()

    player.page.evaluate("document.querySelector('video').currentTime = 50")

    player.wait_for_position(51)
    assert len(player.calls("")) >= 2
    expect(player.page.get_by_text("Playing", exact=True)).to_be_visible()
