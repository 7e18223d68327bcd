"""Chromium, and a subscriber who opens the player page in it."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from local import demo
from streaming.config.database import DatabaseSettings
from streaming.repository.database import Database
from streaming.repository.transaction import Row
from tests.browser.player_page import PlayerPage

# Debian's build has the H.264 and AAC decoders that Playwright's own Chromium lacks.
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


@dataclass(frozen=True)
class Product:
    """The URLs of the running stack, from its stack.json."""

    document: dict[str, str]

    @property
    def api_url(self) -> str:
        """The origin of the API and the player page."""
        return self.document["API_URL"]

    @property
    def storage_url(self) -> str:
        """The origin of the films."""
        return self.document["S3_PUBLIC_ENDPOINT_URL"]

    def subscribe(self, user_id: UUID, **subscription: object) -> None:
        """Set the user service's response for a user."""
        url = f"{self.document['USER_SERVICE_URL']}/local/subscriptions/{user_id}"
        answer = {"is_active": True, "plan_id": "premium", "expires_at": None, **subscription}
        httpx.put(url, json=answer).raise_for_status()


@dataclass(frozen=True)
class Viewer:
    """A user of the product, and the product for this user."""

    user_id: UUID
    token: str
    api: httpx.Client

    def saved_position(self, movie_id: str) -> int | None:
        """Return the saved progress, None before anything was saved."""
        answer = self.api.get(f"/stream/{movie_id}/progress")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        position: int = answer.raise_for_status().json()["position_seconds"]
        return position


@pytest.fixture(scope="session")
def product(request: pytest.FixtureRequest) -> Product:
    """The stack that ``STACK_JSON`` names, otherwise a new one."""
    if named := os.environ.get("STACK_JSON"):
        return Product(json.loads(Path(named).read_text("utf-8")))
    return Product(request.getfixturevalue("shared_stack").document)


@pytest.fixture(scope="session")
def movie_id() -> str:
    """The demo film, a minute long, in HLS and DASH."""
    return demo.DEMO_MOVIE_ID


@pytest.fixture
def stranger(product: Product) -> Iterator[Viewer]:
    """A user without a subscription."""
    user_id = uuid4()
    token = demo.token_for(str(user_id), product.document["JWT_SECRET_KEY"])
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{product.api_url}/api/v1", headers=headers, timeout=30) as api:
        yield Viewer(user_id, token, api)


@pytest.fixture
def viewer(product: Product, stranger: Viewer) -> Viewer:
    """A subscriber."""
    product.subscribe(stranger.user_id)
    return stranger


@pytest.fixture
def sessions(product: Product, viewer: Viewer) -> Iterator[Callable[[], list[Row]]]:
    """Reads the viewer's sessions from PostgreSQL, oldest first."""
    database = Database(DatabaseSettings(product.document["DATABASE_URL"]))
    statement = """
        SELECT id, ended_at FROM stream_sessions WHERE user_id = :user_id ORDER BY started_at
    """
    yield lambda: database.run(
        lambda transaction: transaction.rows(statement, user_id=viewer.user_id)
    )
    database.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    if not Path(CHROMIUM).exists():
        reason = f"no Chromium at {CHROMIUM}: apt-get install chromium, or CHROMIUM=path"
        # Skip on a laptop; fail where all tests have to run.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A new browser profile."""
    fresh = chromium.new_context(viewport={"width": 1280, "height": 860})
    yield fresh
    fresh.close()


@pytest.fixture
def player(product: Product, context: BrowserContext, viewer: Viewer) -> Iterator[PlayerPage]:
    """The player page, opened by the viewer; nothing on it violates its policy."""
    page = PlayerPage(context.new_page(), product.api_url, product.storage_url)
    page.open()
    page.sign_in(viewer.token)
    yield page
    assert page.violations == []
