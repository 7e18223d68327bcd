"""The player page for a viewer, and a log of its network requests."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Response, Route, expect

TIMEOUT = 30_000


@dataclass(frozen=True)
class Exchange:
    """One request of the page, and the status of its response."""

    method: str
    url: str
    status: int

    @property
    def is_signed(self) -> bool:
        """Whether the URL has a SigV4 signature."""
        return "X-Amz-Signature" in parse_qs(urlsplit(self.url).query)


class PlayerPage:
    """Controls the page; waits for conditions instead of fixed times."""

    def __init__(self, page: Page, api_url: str, storage_url: str) -> None:
        self.page = page
        self.api_url = api_url
        self.storage_url = storage_url
        self.exchanges: list[Exchange] = []
        self.errors: list[str] = []
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.violations: list[str] = []
        page.on("console", self._said)
        page.set_default_timeout(TIMEOUT)

    def open(self) -> None:
        """Open the page and wait until it lists its films."""
        self.page.goto(self.api_url)
        expect(self.play_button).to_be_enabled(timeout=TIMEOUT)

    def sign_in(self, token: str) -> None:
        """Enter a token."""
        with self.page.expect_response(re.compile(r"/stream/progress\?limit")):
            self.page.get_by_text("Access token", exact=True).click()
            self.page.get_by_label("Sign in as another user").fill(token)
            self.page.get_by_label("Sign in as another user").press("Tab")
        expect(self.play_button).to_be_enabled(timeout=TIMEOUT)

    def choose_format(self, manifest_type: str) -> None:
        """Choose HLS or DASH."""
        self.page.locator(".segments").get_by_text(manifest_type.upper()).click()
        expect(self.play_button).to_be_enabled(timeout=TIMEOUT)

    def play(self) -> None:
        """Press the play button and wait until the film plays."""
        self.play_button.click()
        self.wait_until_playing()

    def wait_until_playing(self) -> None:
        """Wait until the page reports playback, and pictures follow each other."""
        expect(self.page.get_by_text("Playing", exact=True)).to_be_visible(timeout=TIMEOUT)
        position = self.position
        self.wait_for_position(position + 0.5)

    def wait_for_position(self, seconds: float) -> None:
        """Wait until the film has reached a position."""
        self.page.wait_for_function(
            "at => document.querySelector('video').currentTime >= at", arg=seconds, timeout=90_000
        )

    def seek(self, seconds: float) -> None:
        """Seek to a position and wait until the film plays from there."""
        self.page.evaluate("at => { document.querySelector('video').currentTime = at; }", seconds)
        self.page.wait_for_function(
            "at => { const { currentTime, seeking, paused } = document.querySelector('video');"
            " return !seeking && !paused && currentTime > at + 0.5 && currentTime < at + 15; }",
            arg=seconds,
        )

    @property
    def position(self) -> float:
        """The position of the film, in seconds."""
        seconds: float = self.page.evaluate("document.querySelector('video').currentTime")
        return seconds

    @property
    def play_button(self) -> Locator:
        """The button over the picture."""
        return self.page.locator("#play")

    @property
    def film(self) -> Locator:
        """The list of films to choose from."""
        return self.page.get_by_role("combobox", name="Film")

    @property
    def notice(self) -> Locator:
        """The page's message if it cannot play."""
        return self.page.get_by_role("alert")

    @property
    def session_id(self) -> str:
        """The session that the page shows."""
        return self.page.locator("#fact-session").inner_text()

    @property
    def storage_exchanges(self) -> list[Exchange]:
        """The requests for the film."""
        return [each for each in self.exchanges if each.url.startswith(self.storage_url)]

    def calls(self, action: str) -> list[Exchange]:
        """Return the POSTs of the API whose path ends with this."""
        paths = re.compile(rf"/api/v1/stream/[0-9a-f-]+{action}$")
        return [each for each in self.exchanges if each.method == "POST" and paths.search(each.url)]

    def let_signatures_expire(self, *, after: int, starts: float = 1) -> None:
        """Make the storage reject the URLs of later segments as expired.

        The storage itself decides: the date in the URL is set back, nothing else changes.

        Args:
            after: The number of the last segment of each rendition that is not rejected.
            starts: After more starts of the film than this, all requests succeed again.
        """

        def set_back(route: Route) -> None:
            if _segment_number(route.request.url) <= after or len(self.calls("")) > starts:
                route.continue_()
            else:
                url = re.sub(r"X-Amz-Date=\d{8}T", "X-Amz-Date=20200101T", route.request.url)
                route.continue_(url=url)

        self.page.route(f"{self.storage_url}/**", set_back)

    def let_storage_fall_silent(self, *, after: int) -> None:
        """Let requests for later segments hang until the film is started again.

        Args:
            after: The number of the last segment of each rendition that is still answered.
        """

        def hold(route: Route) -> None:
            if _segment_number(route.request.url) <= after or len(self.calls("")) > 1:
                route.continue_()

        self.page.route(f"{self.storage_url}/**", hold)

    def wait_for_refusal(self) -> None:
        """Wait until the storage has refused a URL."""
        if 403 not in [each.status for each in self.storage_exchanges]:
            self.page.wait_for_event("response", lambda response: response.status == 403)

    def assert_clean(self) -> None:
        """Fail if a request was refused or a film's URL had no signature."""
        refused = [each for each in self.exchanges if each.status >= 400]
        assert refused == [], refused
        unsigned = [each for each in self.storage_exchanges if not each.is_signed]
        assert unsigned == [], unsigned
        assert self.errors == [], self.errors
        assert len(self.storage_exchanges) > 3

    def _said(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.violations.append(message.text)

    def _answered(self, response: Response) -> None:
        request = response.request
        self.exchanges.append(Exchange(request.method, request.url, response.status))

    def _failed(self, request: Request) -> None:
        # Seeking and leaving the page abort requests that are no longer needed: that is no
        # failure.
        if request.failure != "net::ERR_ABORTED":
            self.exchanges.append(Exchange(request.method, request.url, 599))


def _segment_number(url: str) -> int:
    """Return the number of a segment of the demo film; 0 for other objects."""
    number = re.search(r"-(\d{5})\.m4s", url)
    return int(number[1]) if number else 0
