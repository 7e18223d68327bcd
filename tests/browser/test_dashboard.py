"""The dashboard, with viewing that was counted by the real consumer."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from local import demo
from tests.browser.conftest import Product, Viewer
from tests.browser.dashboard_page import TIMEOUT, DashboardPage, findings
from tools.demo_traffic.__main__ import Traffic
from tools.demo_traffic.viewing import week

FILM = "The Long Harbour"


@pytest.fixture(scope="module")
def reports(product: Product) -> Iterator[httpx.Client]:
    """The reports after a week of invented viewing, for an administrator."""
    now = datetime.now(UTC)
    past = [event for event in week(7, now.date(), 240) if event.timestamp <= now]
    with closing(Traffic(product.document)) as traffic:
        traffic.list_films(now)
        traffic.send(past)
        traffic.await_counted(past)
    headers = {"Authorization": f"Bearer {_admin_token(product)}"}
    url = f"{product.api_url}/api/v1/analytics"
    # The page shows seven days at first.
    days = {"from": str(now.date() - timedelta(days=6)), "to": str(now.date())}
    with httpx.Client(base_url=url, headers=headers, params=days, timeout=30) as client:
        yield client


@pytest.fixture
def dashboard(
    product: Product, context: BrowserContext, reports: httpx.Client
) -> Iterator[DashboardPage]:
    """The dashboard, opened by an administrator; nothing on it fails or violates its policy."""
    page = DashboardPage(context.new_page(), product.api_url)
    page.sign_in(_admin_token(product))
    page.await_figures()
    yield page
    assert page.errors == []


def test_it_shows_what_the_reports_say(dashboard: DashboardPage, reports: httpx.Client) -> None:
    """The figures of today are those of the report."""
    today = _json(reports, "/overview")["days"][-1]["measures"]

    expect(dashboard.figure("Views")).to_have_text(f"{today['views']:,}")
    expect(dashboard.figure("Unique viewers")).to_have_text(f"{today['unique_viewers']:,}")
    expect(dashboard.figure("Starts")).to_have_text(f"{today['sessions']:,}")


def test_a_viewer_is_told_that_the_token_is_not_an_administrators(
    product: Product, context: BrowserContext, viewer: Viewer
) -> None:
    """A valid token without the role gets no figures, and the page says why."""
    dashboard = DashboardPage(context.new_page(), product.api_url)

    dashboard.sign_in(viewer.token)

    alert = dashboard.page.get_by_role("alert")
    expect(alert).to_contain_text("not that of an administrator", timeout=TIMEOUT)
    expect(dashboard.page.locator("#figures")).to_be_hidden()


def test_an_invalid_token_asks_for_a_new_one(product: Product, context: BrowserContext) -> None:
    """A token that the service refuses is asked for again."""
    dashboard = DashboardPage(context.new_page(), product.api_url)

    dashboard.sign_in("no.token.atall")

    alert = dashboard.page.get_by_role("alert")
    expect(alert).to_contain_text(re.compile("token is not"), timeout=TIMEOUT)


def test_films_are_sorted_and_paged(dashboard: DashboardPage, reports: httpx.Client) -> None:
    """Sorting and paging show the films in the order of the report, and work by keyboard."""
    document = httpx.get(f"{dashboard.url}/local/demo").json()
    titles = document["titles"] | {film["movie_id"]: film["title"] for film in document["films"]}
    ranked = _json(reports, "/movies", sort="watch_time_ms", order="asc", limit="20")["items"]
    # Other tests watch films that have no title.
    expected = [titles.get(each["movie_id"], f"Film {each['movie_id']}") for each in ranked]
    button = dashboard.page.get_by_role("button", name="Watch time")

    button.press("Enter")
    expect(dashboard.page.locator("th[aria-sort=descending]")).to_have_text(re.compile("Watch"))
    button.press("Enter")
    expect(dashboard.page.locator("th[aria-sort=ascending]")).to_have_text(re.compile("Watch"))
    first = dashboard.films
    dashboard.page.get_by_role("button", name="Next").press("Enter")
    expect(dashboard.page.locator("#page")).to_have_text(re.compile("^11 to"))

    assert [*first, *dashboard.films] == expected


def test_the_day_that_is_not_over_is_told_apart(
    dashboard: DashboardPage, reports: httpx.Client
) -> None:
    """The last value of the trend is read as that of today so far, the others are not."""
    days = _json(reports, "/overview")["days"]
    chart = dashboard.page.get_by_role("slider", name="Views by day")

    chart.press("End")
    expect(chart).to_have_attribute(
        "aria-valuetext", re.compile(f": So far {days[-1]['measures']['views']:,} views$")
    )
    chart.press("ArrowLeft")
    expect(chart).to_have_attribute(
        "aria-valuetext", re.compile(f"[0-9]{{4}}: {days[-2]['measures']['views']:,} views$")
    )


def test_a_film_has_its_curve_and_its_heatmap(
    dashboard: DashboardPage, reports: httpx.Client
) -> None:
    """Arrow keys read the curve's values, which are those of the report."""
    film = _json(reports, f"/movies/{_id_of(dashboard, FILM)}")

    dashboard.choose_film(FILM)
    chart = dashboard.page.get_by_role("slider", name=f"Audience retention of {FILM}")
    chart.press("Home")

    expect(chart).to_have_attribute("aria-valuetext", re.compile("^0:00 to .*: Saw it "))
    told = re.search(r"Saw it ([0-9.]+) %", chart.get_attribute("aria-valuetext") or "")
    assert told is not None
    assert float(told[1]) == pytest.approx(film["retention"]["audience"][0] * 100, abs=0.051)
    heatmap = dashboard.page.get_by_role("img", name=f"Heatmap of {FILM}")
    expect(heatmap).to_have_css("background-image", re.compile("linear-gradient"))


def test_the_heatmap_is_as_wide_as_the_plot(dashboard: DashboardPage) -> None:
    """The bar is aligned with the axis of time above it."""
    dashboard.choose_film(FILM)

    strip = dashboard.page.locator("#strip").bounding_box()
    plot = dashboard.page.locator("#retention .u-over").bounding_box()

    assert strip is not None
    assert plot is not None
    assert strip["x"] == pytest.approx(plot["x"], abs=1)
    assert strip["width"] == pytest.approx(plot["width"], abs=1)


def test_pointing_at_the_heatmap_shows_the_values_of_the_curve(dashboard: DashboardPage) -> None:
    """The values above the pointer are shown, also for a finger on the curve itself."""
    dashboard.choose_film(FILM)
    tip = dashboard.page.locator("#retention .tip")
    strip = dashboard.page.locator("#strip")

    strip.hover(position={"x": 1, "y": 5})
    expect(tip).to_contain_text(re.compile("^0:00 to"))
    dashboard.page.get_by_role("heading", name=FILM).hover()
    expect(tip).to_be_hidden()
    box = dashboard.page.locator("#retention .u-over").bounding_box()
    assert box is not None
    dashboard.page.locator("#retention").dispatch_event(
        "pointerdown", {"pointerType": "touch", "clientX": box["x"] + box["width"]}
    )

    expect(tip).to_contain_text(re.compile("^45:32 to 46:00"))


def test_a_film_that_nobody_watched_has_zeros_and_words(
    product: Product, context: BrowserContext, reports: httpx.Client
) -> None:
    """A film without views is no error: its figures are zeros, and its curve is a sentence."""
    dashboard = DashboardPage(context.new_page(), product.api_url)

    dashboard.sign_in(_admin_token(product), f"#film={uuid4()}")
    dashboard.await_figures()

    expect(dashboard.page.locator("#film-measures b").first).to_have_text("0")
    expect(dashboard.page.get_by_text("There is no curve")).to_be_visible()
    expect(dashboard.page.locator("#retention")).to_be_hidden()
    assert dashboard.errors == []


def test_csv_is_downloaded(dashboard: DashboardPage, reports: httpx.Client) -> None:
    """The file is the report, byte for byte, under the name that the service gives."""
    query = {"sort": "views", "order": "desc", "limit": "200"}
    expected = reports.get("/movies", params=query, headers={"Accept": "text/csv"})

    file = dashboard.download("CSV of the films")

    assert file.suggested_filename == "films.csv"
    assert Path(file.path()).read_bytes() == expected.raise_for_status().content


def test_the_last_figures_stay_in_an_outage(dashboard: DashboardPage) -> None:
    """The page keeps its figures, says how old they are, and continues when reports answer."""
    before = dashboard.figure("Views").inner_text()
    notice = dashboard.page.locator("#stale")

    dashboard.fail(503, "database_unavailable")
    dashboard.page.get_by_label("90 days").check()
    expect(notice).to_contain_text(re.compile(r"503.*These figures are .* old"), timeout=TIMEOUT)
    expect(dashboard.figure("Views")).to_have_text(before)
    dashboard.recover()

    expect(notice).to_be_hidden(timeout=TIMEOUT)


def test_an_outage_from_the_beginning_shows_no_figures(
    product: Product, context: BrowserContext, reports: httpx.Client
) -> None:
    """Without any figures there is only the notice, and they appear when reports answer."""
    dashboard = DashboardPage(context.new_page(), product.api_url)
    dashboard.fail(503, "database_unavailable")

    dashboard.sign_in(_admin_token(product))
    notice = dashboard.page.locator("#stale")
    expect(notice).to_contain_text("503", timeout=TIMEOUT)
    expect(notice).not_to_contain_text("old")
    expect(dashboard.page.locator("#today")).to_be_hidden()
    dashboard.recover()

    dashboard.await_figures()
    expect(notice).to_be_hidden()


def test_it_refreshes_by_itself(
    product: Product, context: BrowserContext, reports: httpx.Client
) -> None:
    """After half a minute the page reads the reports again."""
    dashboard = DashboardPage(context.new_page(), product.api_url)
    dashboard.page.clock.install()
    dashboard.sign_in(_admin_token(product))
    dashboard.await_figures()

    with dashboard.page.expect_response(re.compile("/analytics/overview")) as answer:
        dashboard.page.clock.run_for(32_000)

    assert answer.value.status == httpx.codes.OK


def test_without_views_it_says_so(product: Product, context: BrowserContext) -> None:
    """Ranges without views have words instead of empty charts."""
    dashboard = DashboardPage(context.new_page(), product.api_url)
    with httpx.Client(headers={"Authorization": f"Bearer {_admin_token(product)}"}) as client:
        query = {"from": "2020-01-01", "to": "2020-01-28"}
        url = f"{product.api_url}/api/v1/analytics"
        overview = client.get(f"{url}/overview", params=query).json()
        films = client.get(f"{url}/movies", params=query).json()
    dashboard.page.route("**/analytics/overview?*", lambda route: route.fulfill(json=overview))
    dashboard.page.route("**/analytics/movies?*", lambda route: route.fulfill(json=films))

    dashboard.sign_in(_admin_token(product))

    expect(dashboard.page.get_by_text("No film was watched")).to_be_visible(timeout=TIMEOUT)
    expect(dashboard.page.get_by_text("Nothing was watched in these days")).to_be_visible()
    expect(dashboard.page.locator("#trend")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_it_is_accessible(
    product: Product, chromium: Browser, reports: httpx.Client, width: int, scheme: Any
) -> None:
    """axe-core finds nothing serious, also in an outage, and the page never scrolls sideways."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    dashboard = DashboardPage(context.new_page(), product.api_url)
    dashboard.page.goto(f"{product.api_url}/dashboard")
    expect(dashboard.page.locator("#sign-in")).to_be_visible(timeout=TIMEOUT)
    before = dashboard.findings()
    dashboard.sign_in(_admin_token(product))
    dashboard.await_figures()
    dashboard.choose_film(FILM)

    for summary in dashboard.page.locator("summary").all():
        summary.press("Enter")
    found = dashboard.findings()
    dashboard.fail(503, "database_unavailable")
    dashboard.page.get_by_label("90 days").check()
    expect(dashboard.page.locator("#stale")).to_be_visible(timeout=TIMEOUT)
    found += dashboard.findings()
    scrolls_to = dashboard.page.evaluate("document.documentElement.scrollWidth")
    context.close()

    assert before == []
    assert found == []
    assert scrolls_to == width


def test_the_player_has_the_heatmap_in_its_seek_bar(
    product: Product, context: BrowserContext, reports: httpx.Client
) -> None:
    """The demo film's seek bar shows where it is watched, and axe-core finds nothing serious."""
    page = context.new_page()
    page.goto(product.api_url)

    expect(page.locator("#heat")).to_have_css(
        "background-image", re.compile("linear-gradient"), timeout=TIMEOUT
    )
    assert findings(page) == []


def _admin_token(product: Product) -> str:
    return demo.token_for(str(uuid4()), product.document["JWT_SECRET_KEY"], role="admin")


def _json(reports: httpx.Client, path: str, **query: str) -> dict[str, Any]:
    body: dict[str, Any] = reports.get(path, params=query).raise_for_status().json()
    return body


def _id_of(dashboard: DashboardPage, title: str) -> str:
    titles: dict[str, str] = httpx.get(f"{dashboard.url}/local/demo").json()["titles"]
    return next(movie_id for movie_id, each in titles.items() if each == title)
