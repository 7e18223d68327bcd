"""Properties of every route of the API, independent of its handler."""

import pytest

from local.gateway import template
from local.gateway.model import Route
from tests.support.functions import ROOT, Json, Response, event, request

SERVICE = template.read(ROOT / "template.yaml", {})
PUBLIC = {"GET /docs", "GET /openapi.json", "GET /health"}
MOVIE = "018f6a52-3c1e-7d4b-9a60-5b0c2d7e1f01"
ADMIN_ROUTES = {
    "POST /api/v1/stream/{movie_id}/invalidate",
    "DELETE /api/v1/users/{user_id}/data",
    "GET /api/v1/analytics/overview",
    "GET /api/v1/analytics/movies",
    "GET /api/v1/analytics/movies/{movie_id}",
    "GET /api/v1/analytics/concurrency",
}


def ask(route: Route, **authorizer: object) -> Response:
    """Call the handler of a route, with the authorizer's context."""
    function = SERVICE.functions[route.function].directories[0].name
    payload: Json = {**event("start"), "routeKey": route.key, "body": "{}"}
    payload["pathParameters"] = {"movie_id": MOVIE, "user_id": MOVIE}
    payload["requestContext"] = {**payload["requestContext"], "authorizer": {"lambda": authorizer}}
    return request(function, payload)


@pytest.mark.parametrize("route", SERVICE.routes, ids=lambda route: route.key)
def test_who_may_call(environment: dict[str, str], route: Route) -> None:
    """Every route but three returns 401 without a token, or with an invalid, old or future one."""
    seconds = 4_102_444_800
    strangers: list[dict[str, object]] = [
        {},
        {"token_problem": "token_invalid", "user_id": MOVIE, "exp": seconds},
        {"user_id": MOVIE, "exp": 1},
        {"user_id": MOVIE, "exp": seconds, "nbf": seconds - 1},
        {"user_id": "nobody", "exp": seconds},
    ]

    statuses = {ask(route, **stranger).status for stranger in strangers}

    assert statuses == ({200} if route.key in PUBLIC else {401})


@pytest.mark.parametrize("route", SERVICE.routes, ids=lambda route: route.key)
def test_admins_alone(environment: dict[str, str], route: Route) -> None:
    """Routes for admins return 403 to other users; all others do not."""
    answer = ask(route, user_id=MOVIE, exp=4_102_444_800, role="viewer")

    assert (answer.status == 403) is (route.key in ADMIN_ROUTES)


@pytest.mark.parametrize("route", SERVICE.routes, ids=lambda route: route.key)
def test_what_browsers_are_told(environment: dict[str, str], route: Route) -> None:
    """Every response forbids MIME sniffing, frames and unused browser features."""
    answer = ask(route)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy.get("script-src", "")
