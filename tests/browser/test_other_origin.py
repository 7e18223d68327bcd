"""A company's own page on another origin: the module plays there, as CORS allows."""

import functools
import http.server
import mimetypes
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from streaming.repository.transaction import Row
from tests.browser.conftest import Product, Viewer
from tests.browser.player_page import PlayerPage
from tests.support.waiting import eventually

WEB = Path(__file__).parents[2] / "web"

# The script of such a page.
SCRIPT = """async ([apiUrl, movieId, token]) => {
    const { StreamingSession } = await import('/streaming-session.js');
    const { HlsPlayer } = await import('/players/hls.js');
    const { default: Hls } = await import('/vendor/hls.js/hls.min.mjs');
    const video = document.createElement('video');
    document.body.replaceChildren(video);
    window.failed = [];
    const player = new HlsPlayer(Hls, video);
    const session = new StreamingSession({ apiUrl, token, video, player });
    session.addEventListener('failed', ({ detail }) => window.failed.push(detail));
    await session.start(movieId).catch(() => {});
}"""


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves the module as a web server independent of the API."""

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Suppress the log."""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """The company's origin, which differs from the API's."""
    # Python 3.11 does not know the type, and browsers require it.
    mimetypes.add_type("text/javascript", ".mjs")
    handler = functools.partial(Files, directory=str(WEB))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def page(product: Product, context: BrowserContext, origin: str) -> PlayerPage:
    """A page of that origin that contains only the module's files."""
    player = PlayerPage(context.new_page(), product.api_url, product.storage_url)
    player.page.goto(f"{origin}/package.json")
    return player


def test_plays_and_stops_on_leaving(
    product: Product,
    page: PlayerPage,
    viewer: Viewer,
    sessions: Callable[[], list[Row]],
    movie_id: str,
) -> None:
    """The film plays across origins, and leaving the page still reports the stop."""
    page.page.evaluate(SCRIPT, [product.api_url, movie_id, viewer.token])
    page.wait_for_position(3)
    page.assert_clean()
    left_at = page.position

    page.page.goto("about:blank")

    eventually(lambda: [one["ended_at"] is not None for one in sessions()] == [True])
    assert viewer.saved_position(movie_id) == pytest.approx(left_at, abs=2)


def test_reads_refusals(
    product: Product, page: PlayerPage, stranger: Viewer, movie_id: str
) -> None:
    """A refusal is more than a failed request: its code is readable across origins."""
    page.page.evaluate(SCRIPT, [product.api_url, movie_id, stranger.token])

    assert page.page.evaluate("failed.map(({ code, status }) => [code, status])") == [
        ["subscription_required", 403]
    ]
