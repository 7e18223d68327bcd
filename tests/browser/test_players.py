"""Every layout of films, from the private bucket, in every player that viewers use."""

import functools
import http.server
import mimetypes
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, Response

from local.stack import Stack
from tests.browser import films
from tests.browser.conftest import Product, Viewer

ROOT = Path(__file__).parents[2]
PLAYERS = Path(__file__).parent / "players"
PACKAGES = Path(__file__).parent / "node" / "node_modules"
TIMEOUT = 30_000

PLAYS: dict[str, tuple[str, ...]] = {
    "hls": ("hls",),
    "dash": ("dash",),
    "shaka": ("hls", "dash"),
    "videojs": ("hls", "dash"),
}
# video.js switches renditions only for its next segment, and such a short film is already loaded.
CHOOSES_RENDITIONS = {"hls", "dash", "shaka"}
PUBLISHED = "published"
LAYOUTS = {"hls": [*films.HLS, PUBLISHED], "dash": [*films.DASH, PUBLISHED]}
MATRIX = [
    (player, manifest_type, layout)
    for player, forms in PLAYS.items()
    for manifest_type in forms
    for layout in LAYOUTS[manifest_type]
]


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves the player under test and its library."""

    def translate_path(self, path: str) -> str:
        """Return the file of a path."""
        first, _, rest = path.partition("?")[0].lstrip("/").partition("/")
        folder = {"vendor": ROOT / "web" / "vendor", "node_modules": PACKAGES}.get(first)
        return str(folder / rest if folder else PLAYERS / (first or "page.html"))

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Suppress the log."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The origin of the pages."""
    if not PACKAGES.exists():
        pytest.fail("the players are not installed: run make test-browser")
    mimetypes.add_type("text/javascript", ".mjs")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


@pytest.fixture(scope="module")
def film_of(stack: Stack) -> Callable[[str], str]:
    """Returns the id of a film of the layout in the bucket; creates it at the first call."""

    @functools.cache
    def make(layout: str) -> str:
        movie_id = str(uuid4())
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if layout == PUBLISHED:
                publish(stack, folder / "film.mp4", movie_id)
            else:
                build = {**films.HLS, **films.DASH}[layout]
                build_and_upload(stack, build, folder, movie_id)
        return movie_id

    return make


def build_and_upload(
    stack: Stack, build: Callable[[Path], None], folder: Path, movie_id: str
) -> None:
    """Upload a film to the bucket that ``build`` makes."""
    for number in range(len(films.HEIGHTS)):
        (folder / f"v{number}").mkdir()
    build(folder)
    client = stack.s3.admin_client
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        key = f"movies/{movie_id}/{path.relative_to(folder).as_posix()}"
        client.put_object(Bucket="vod", Key=key, Body=path.read_bytes())


def publish(stack: Stack, path: Path, movie_id: str) -> None:
    """Publish a film with two languages and subtitles, as `make publish` does."""
    films.source(path)
    command = [sys.executable, "-m", "tools.publish", f"--movie-id={movie_id}"]
    environment = {
        **os.environ,
        "LOCAL_STATE_DIR": str(stack.state.folder),
        "PYTHONPATH": str(ROOT / "layers/streaming/python"),
    }
    run = subprocess.run(
        [*command, "--preset=ultrafast", "--no-check", "--", str(path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


class PlayerUnderTest:
    """Controls one player through its own interface; waits for conditions, not fixed times."""

    def __init__(self, page: Page, storage_url: str) -> None:
        self._page = page
        self._storage_url = storage_url
        self.answers: list[Response] = []
        page.set_default_timeout(TIMEOUT)
        page.on("response", lambda answer: self.answers.append(answer))  # noqa: PLW0108

    def open(self, server: str, player: str) -> None:
        """Open the page of a player."""
        self._page.goto(f"{server}/page.html")
        self._page.evaluate(
            """async (player) => {
                window.problems = [];
                window.player = (await import(`/${player}.js`)).player;
                window.video = () => document.querySelector("video");
                // dash.js may find the end by its own clock, and then pauses there first.
                window.atEnd = () => video().ended
                    || (video().paused && video().currentTime > video().duration - 0.1);
            }""",
            player,
        )

    def call(self, expression: str, argument: object = None) -> Any:
        """Evaluate an expression of the page."""
        return self._page.evaluate(expression, argument)

    def wait(self, condition: str, argument: object = None) -> None:
        """Wait until a condition of the page holds."""
        try:
            self._page.wait_for_function(condition, arg=argument, polling=50)
        except Exception as error:
            state = self.call(
                "() => ({at: video().currentTime, ready: video().readyState, problems,"
                " height: video().videoHeight, ended: video().ended, paused: video().paused})"
            )
            raise AssertionError(
                f"the condition was never true: {condition} ({argument}); {state}"
            ) from error

    def play(self, url: str) -> None:
        """Load the film and play its beginning."""
        self.call("async (url) => { await player.load(url); await video().play(); }", url)
        self.wait("() => video().currentTime > 0.3")

    def seek(self, seconds: float) -> None:
        """Seek, and wait until the film plays from there."""
        self.call("(to) => { video().currentTime = to; }", seconds)
        self.wait(
            "(to) => !video().seeking && video().currentTime > to + 0.2"
            " && video().currentTime < to + 3",
            seconds,
        )

    def play_in_every_height(self) -> None:
        """Switch through all renditions, and wait until each is displayed."""
        heights = self.call("() => player.heights()")
        assert sorted(heights) == sorted(films.HEIGHTS)
        for height in (*films.HEIGHTS, films.HEIGHTS[0]):
            self.seek(1)
            self.call("(height) => { player.chooseHeight(height); }", height)
            self.wait(
                "(height) => { if (atEnd()) { video().currentTime = 1; video().play(); }"
                " return video().videoHeight === height; }",
                height,
            )

    def play_other_language(self) -> None:
        """Switch the audio, and wait until the film plays in the other language."""
        before = self.call("() => player.language()")
        other = next(each for each in self.call("() => player.languages()") if each != before)
        self.seek(3)
        self.call("(language) => { player.chooseLanguage(language); }", other)
        self.wait("(language) => player.language() === language", other)
        self.wait("() => video().currentTime > 4")

    def show_subtitles(self) -> None:
        """Switch the subtitles on, and wait until they are displayed."""
        self.call("() => { player.showSubtitles(); }")
        self.wait("() => player.cues() > 0")

    def play_to_the_end(self) -> None:
        """Seek near the end and wait for it."""
        self.call("() => { video().currentTime = video().duration - 1.5; }")
        self.wait("() => atEnd()")

    def assert_all_signed(self) -> None:
        """All requests of the player to the bucket were signed and successful."""
        asked = [each for each in self.answers if each.url.startswith(self._storage_url)]
        assert len(asked) > 3
        assert [each.url for each in asked if "X-Amz-Signature=" not in each.url] == []
        assert [(each.status, each.url) for each in self.answers if each.status >= 400] == []
        assert self.call("() => window.problems") == []


@pytest.mark.parametrize(("player", "manifest_type", "layout"), MATRIX)
def test_plays_to_the_end(
    product: Product,
    chromium: Browser,
    viewer: Viewer,
    server: str,
    film_of: Callable[[str], str],
    player: str,
    manifest_type: str,
    layout: str,
) -> None:
    """The player plays, seeks, switches tracks, and reaches the end, with signed requests only."""
    answer = viewer.api.post(f"/stream/{film_of(layout)}", json={"manifest_type": manifest_type})
    context = chromium.new_context()
    try:
        under_test = PlayerUnderTest(context.new_page(), product.storage_url)
        under_test.open(server, player)
        under_test.play(answer.raise_for_status().json()["manifest_url"])
        under_test.seek(7)
        under_test.seek(2)
        if layout == PUBLISHED:
            under_test.play_other_language()
            under_test.show_subtitles()
        elif player in CHOOSES_RENDITIONS:
            under_test.play_in_every_height()
        under_test.play_to_the_end()
        under_test.assert_all_signed()
        keys = [each for each in under_test.answers if re.search(r"/key\.bin\?", each.url)]
        assert bool(keys) == (layout == "encrypted")
    finally:
        context.close()


@pytest.mark.parametrize("segments", [2, 1000])
def test_interstitials(
    stack: Stack,
    product: Product,
    chromium: Browser,
    viewer: Viewer,
    server: str,
    tmp_path: Path,
    segments: int,
) -> None:
    """An interstitial plays, embedded as it is or as the variant of an embedded playlist."""
    movie_id = str(uuid4())
    build = functools.partial(films.with_interstitial, segments=segments)
    build_and_upload(stack, build, tmp_path, movie_id)
    answer = viewer.api.post(f"/stream/{movie_id}", json={"manifest_type": "hls"})
    context = chromium.new_context()
    try:
        under_test = PlayerUnderTest(context.new_page(), product.storage_url)
        under_test.open(server, "hls")
        under_test.play(answer.raise_for_status().json()["manifest_url"])
        under_test.wait("() => player.interstitials() > 0")
        under_test.assert_all_signed()
    finally:
        context.close()
