"""Properties of every route of the API, independent of its handler."""

import pytest

from local.gateway import template
from local.gateway.model import Route
from streaming.api import http
from streaming.api.handler import public_http_handler
from streaming.composition.environment import Environment
from streaming.domain.errors import DatabaseUnavailable, InvalidRequest
from tests.support.emitted import emitted
from tests.support.functions import ROOT, Context, Json, Response, event, request, response_of

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


def test_bugs_are_counted(
    environment: dict[str, str],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An unexpected error is a 500 without details, and counted for its version."""

    @public_http_handler(Environment(environment), budget_seconds=1)
    def broken(request: http.Request, _: Environment) -> http.Response:
        raise ZeroDivisionError(request.route)

    answer = response_of(broken(event("docs"), Context()))

    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    assert "Zero" not in answer.body
    (line,) = emitted(capsys.readouterr().out, "UnexpectedErrors")
    assert (line["function_name"], line["version"]) == ("function", Context.function_version)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_outages_are_counted_apart(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A dependency's failure is counted for its version, but not as an unexpected error."""

    @public_http_handler(Environment(environment), budget_seconds=1)
    def without_database(request: http.Request, _: Environment) -> http.Response:
        raise DatabaseUnavailable(request.route)

    @public_http_handler(Environment(environment), budget_seconds=1)
    def refusing(request: http.Request, _: Environment) -> http.Response:
        raise InvalidRequest(request.route)

    assert response_of(without_database(event("docs"), Context())).status == 503
    assert response_of(refusing(event("docs"), Context())).status == 422

    printed = capsys.readouterr().out
    (line,) = emitted(printed, "ServerErrors")
    assert (line["function_name"], line["version"]) == ("function", Context.function_version)
    assert not emitted(printed, "UnexpectedErrors")


@pytest.mark.parametrize(("one_in", "expected"), [("0", []), ("1", [200])])
def test_calls_are_sampled(
    environment: dict[str, str], caplog: pytest.LogCaptureFixture, one_in: str, expected: list[int]
) -> None:
    """A successful call is logged with its status if it belongs to the sample."""
    sampling = Environment({**environment, "SAMPLED_CALLS": one_in})

    @public_http_handler(sampling, budget_seconds=1)
    def answering(request: http.Request, _: Environment) -> http.Response:
        return http.Response(200, "{}", {})

    with caplog.at_level("INFO"):
        answering(event("docs"), Context())

    found = [each for each in caplog.records if each.getMessage() == "a sampled call"]
    assert [vars(each)["status"] for each in found] == expected


def test_refusals_are_logged_without_a_sample(
    environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Every error response is logged with its code, whether its call is sampled or not."""

    @public_http_handler(Environment(environment), budget_seconds=1)
    def refusing(request: http.Request, _: Environment) -> http.Response:
        raise InvalidRequest(request.route)

    with caplog.at_level("INFO"):
        refusing(event("docs"), Context())

    (record,) = caplog.records
    assert vars(record)["code"] == "invalid_request"
