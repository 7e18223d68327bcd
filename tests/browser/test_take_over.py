"""Two players of one account with one stream."""

from collections.abc import Callable

from playwright.sync_api import Browser, expect

from streaming.repository.transaction import Row
from tests.browser.conftest import Product, Viewer
from tests.browser.player_page import PlayerPage


def test_watch_here_instead(
    product: Product,
    chromium: Browser,
    player: PlayerPage,
    viewer: Viewer,
    sessions: Callable[[], list[Row]],
) -> None:
    """The second player lists the stream, takes over at its position, and the first one stops."""
    product.subscribe(viewer.user_id, max_streams=1)
    player.play()
    player.seek(20)
    with chromium.new_context() as elsewhere:
        other = PlayerPage(elsewhere.new_page(), product.api_url, product.storage_url)
        other.open()
        other.sign_in(viewer.token)

        other.play_button.click()
        expect(other.notice).to_contain_text("Too many streams")
        expect(other.notice.get_by_role("listitem")).to_have_count(1)
        other.page.get_by_role("button", name="Watch here instead").click()
        other.wait_until_playing()

        assert other.position >= 20
        expect(player.notice).to_contain_text("Playing on another device", timeout=30_000)
        assert player.page.evaluate("document.querySelector('video').paused")
        first, second = sessions()
        assert first["ended_at"] is not None
        assert second["ended_at"] is None
        assert str(second["id"]) == other.session_id

        player.page.get_by_role("button", name="Watch here instead").click()
        player.wait_until_playing()

        expect(other.notice).to_contain_text("Playing on another device", timeout=30_000)
        assert len(sessions()) == 3
