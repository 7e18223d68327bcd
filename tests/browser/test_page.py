"""The page's layout and accessibility: small screens, names of controls, no errors."""

import pytest
from playwright.sync_api import expect

from tests.browser.player_page import PlayerPage

NAMELESS = """() => {
    const operated = 'button, input, select, textarea, video, a';
    return [...document.querySelectorAll(operated)].filter((element) => {
        const labels = [...(element.labels ?? [])].map((label) => label.textContent).join('');
        const name = element.getAttribute('aria-label') || labels || element.textContent;
        return !name.trim();
    }).map((element) => element.outerHTML);
}
"""


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_fits_the_screen(player: PlayerPage, width: int) -> None:
    """Nothing has to be scrolled horizontally, even on a phone."""
    player.page.set_viewport_size({"width": width, "height": 800})
    player.play()
    player.seek(25)
    player.page.get_by_role("button", name="Stop").click()
    begun = player.page.get_by_role("region", name="Continue watching").get_by_role("button")
    expect(begun).to_be_visible()

    assert player.page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_has_a_name(player: PlayerPage) -> None:
    """Every control has a name for a screen reader."""
    assert player.page.evaluate(NAMELESS) == []


def test_the_log_shows_the_calls(player: PlayerPage) -> None:
    """Developers see the page's requests to the service on the page."""
    player.play()

    calls = player.page.get_by_role("list", name="Calls").get_by_role("listitem")
    expect(calls.first).to_contain_text("POST /stream/")


def test_documentation_opens(player: PlayerPage) -> None:
    """The link to the API's documentation opens a page that renders."""
    player.page.get_by_role("link", name="API docs").click()

    expect(player.page.get_by_text("Stop a film")).to_be_visible()
    assert player.errors == []


def test_documentation_calls_the_api(player: PlayerPage) -> None:
    """The documentation's own policy allows trying out a call."""
    page = player.page
    page.goto(f"{player.api_url}/docs")
    operation = page.locator(".opblock", has=page.get_by_text("/health", exact=True))
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Execute").click()

    expect(operation.locator(".live-responses-table .response-col_status").nth(1)).to_have_text(
        "200"
    )
    assert player.errors == []
