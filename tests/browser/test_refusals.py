"""The page's messages if a film may not or cannot be played."""

from uuid import uuid4

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Product, Viewer
from tests.browser.player_page import PlayerPage


def test_without_a_subscription(product: Product, player: PlayerPage, viewer: Viewer) -> None:
    """A user without a subscription sees the reason, and can play after paying."""
    product.subscribe(viewer.user_id, is_active=False)

    player.play_button.click()

    expect(player.notice).to_contain_text("Subscription required")
    assert player.storage_exchanges == []


def test_unknown_film(player: PlayerPage) -> None:
    """A film that does not exist has a message of its own."""
    player.film.select_option(label="Another film…")
    player.page.get_by_label("Film id").fill(str(uuid4()))
    player.page.get_by_label("Film id").press("Tab")

    player.play_button.click()

    expect(player.notice).to_contain_text("Film not found")


def test_bad_token(player: PlayerPage) -> None:
    """An invalid token leads to the login."""
    player.page.get_by_label("Sign in as another user").fill("not.a.token")
    player.page.get_by_label("Sign in as another user").press("Tab")

    player.play_button.click()

    expect(player.notice).to_contain_text("Please sign in again")


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (429, "stream_limit_reached", "Too many streams"),
        (503, "entitlement_unavailable", "The subscription cannot be checked"),
        (503, "database_unavailable", "The service is not available"),
    ],
)
def test_temporary_refusals(player: PlayerPage, status: int, code: str, words: str) -> None:
    """For a temporary refusal the page says when to retry, and the retry succeeds."""
    problem = {"type": "about:blank", "title": code, "status": status, "code": code}

    def refuse(route: Route) -> None:
        route.fulfill(
            status=status,
            json=problem,
            headers={"Retry-After": "7"},
            content_type="application/problem+json",
        )

    player.page.route("**/api/v1/stream/*", refuse)
    player.play_button.click()
    expect(player.notice).to_contain_text(words)
    expect(player.notice).to_contain_text("Try again in 7 s.")

    player.page.unroute("**/api/v1/stream/*")
    player.page.get_by_role("button", name="Try again").click()
    player.wait_until_playing()


def test_no_network(player: PlayerPage) -> None:
    """Without a network the page says so, and continues automatically when it is back."""
    # Loaded in advance, as for a user whose network fails during use.
    player.play()
    player.page.get_by_role("button", name="Stop").click()
    player.page.context.set_offline(offline=True)
    player.play_button.click()
    expect(player.notice).to_contain_text("No connection")

    player.page.context.set_offline(offline=False)

    player.wait_until_playing()
