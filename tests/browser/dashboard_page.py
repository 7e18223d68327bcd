"""The dashboard for an administrator, and what it may not do."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Download, Locator, Page, expect

TIMEOUT = 30_000
AXE = Path(__file__).parent / "node" / "node_modules" / "axe-core" / "axe.min.js"


class DashboardPage:
    """Controls the page; waits for conditions instead of fixed times."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self._said(message.text))
        page.set_default_timeout(TIMEOUT)

    def sign_in(self, token: str, place: str = "") -> None:
        """Open the page, perhaps at a ``place`` like ``#film=``, and enter a token, by keyboard."""
        self.page.goto(f"{self.url}/dashboard{place}")
        self.page.get_by_label("Access token of an administrator").fill(token)
        self.page.keyboard.press("Tab")
        self.page.keyboard.press("Enter")

    def await_figures(self) -> None:
        """Wait until a report is drawn."""
        expect(self.page.get_by_text(re.compile("Updated .* ago"))).to_be_visible(timeout=TIMEOUT)

    def figure(self, name: str) -> Locator:
        """Return today's figure of a measure."""
        tile = self.page.locator("#today > div").filter(has=self.page.get_by_text(name, exact=True))
        return tile.locator("b")

    @property
    def films(self) -> list[str]:
        """The titles in the table, from the top."""
        return self.page.locator("#films tbody th button").all_inner_texts()

    def choose_film(self, title: str) -> None:
        """Open the report of a film, by keyboard."""
        self.page.get_by_role("button", name=title).press("Enter")
        expect(self.page.get_by_role("heading", name=title)).to_be_visible(timeout=TIMEOUT)

    def download(self, name: str) -> Download:
        """Press one of the CSV buttons."""
        with self.page.expect_download() as started:
            self.page.get_by_role("button", name=name).click()
        return started.value

    def fail(self, status: int, code: str) -> None:
        """Let all reports answer with an error, until ``recover``."""
        problem = {"code": code, "title": "The database is not available"}
        self.page.route("**/api/v1/analytics/**", lambda route: route.fulfill(
            status=status, json=problem, headers={"retry-after": "5"}
        ))  # fmt: skip

    def recover(self) -> None:
        """Let the reports answer again."""
        self.page.unroute("**/api/v1/analytics/**")

    def findings(self) -> list[dict[str, Any]]:
        """Return what axe-core finds that is serious or critical."""
        return findings(self.page)

    def _said(self, text: str) -> None:
        if "Content Security Policy" in text:
            self.errors.append(text)


def findings(page: Page) -> list[dict[str, Any]]:
    """Return what axe-core finds on ``page`` that is serious or critical."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make test-browser")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [
        {"rule": each["id"], "where": each["nodes"][0]["target"]}
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
