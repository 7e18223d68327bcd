"""The boundary of HTTP functions: who may call, what errors become, what is logged."""

import pytest

from streaming.access.identity import Identity
from streaming.api import http
from streaming.api.handler import http_handler, public_http_handler
from streaming.composition.environment import Environment
from streaming.config.variables import ConfigurationError
from streaming.domain.errors import DatabaseUnavailable, InvalidRequest
from tests.support.context import Context
from tests.support.emitted import emitted
from tests.support.functions import Json, event, response_of

USER = "018f6a52-3c1e-7d4b-9a60-5b0c2d7e1f01"
LATER = 4_102_444_800


def called_by(**authorizer: object) -> Json:
    """Return an event with the authorizer's context."""
    payload: Json = event("start")
    payload["requestContext"] = {**payload["requestContext"], "authorizer": {"lambda": authorizer}}
    return payload


@pytest.mark.parametrize(
    ("authorizer", "code"),
    [
        ({}, "token_missing"),
        ({"token_problem": "token_invalid", "user_id": USER, "exp": LATER}, "token_invalid"),
        ({"user_id": USER, "exp": 1}, "token_expired"),
        ({"user_id": USER, "exp": LATER, "nbf": LATER - 1}, "token_invalid"),
        ({"user_id": "nobody", "exp": LATER}, "token_missing"),
    ],
)
def test_callers_without_a_token(authorizer: Json, code: str) -> None:
    """A handler is not called without a valid identity; the response says why."""

    @http_handler(Environment({}), budget_seconds=1)
    def protected(request: http.Request, caller: Identity, _: Environment) -> http.Response:
        raise AssertionError(caller)

    answer = response_of(protected(called_by(**authorizer), Context()))

    assert (answer.status, answer.json["code"]) == (401, code)


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("viewer", 403), (None, 403)])
def test_a_handler_for_admins(role: str | None, status: int) -> None:
    """Other users get 403."""

    @http_handler(Environment({}), budget_seconds=1, for_admins=True)
    def protected(request: http.Request, caller: Identity, _: Environment) -> http.Response:
        return http.Response(200, f'"{caller.user_id}"', {})

    authorizer = {"user_id": USER, "exp": LATER, **({"role": role} if role else {})}
    answer = response_of(protected(called_by(**authorizer), Context()))

    assert answer.status == status
    assert answer.json == USER if status == 200 else answer.json["code"] == "forbidden"


def test_an_environment_that_is_wrongly_configured() -> None:
    """A wrong configuration is no response: Lambda counts the error."""

    @public_http_handler(Environment({}), budget_seconds=1)
    def wrong(request: http.Request, _: Environment) -> http.Response:
        raise ConfigurationError("DELIVERY")

    with pytest.raises(ConfigurationError):
        wrong(event("docs"), Context())


def test_bugs_are_counted(
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An unexpected error is a 500 without details, and counted for its version."""

    @public_http_handler(Environment({}), budget_seconds=1)
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


def test_outages_are_counted_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """A dependency's failure is counted for its version, but not as an unexpected error."""

    @public_http_handler(Environment({}), budget_seconds=1)
    def without_database(request: http.Request, _: Environment) -> http.Response:
        raise DatabaseUnavailable(request.route)

    @public_http_handler(Environment({}), budget_seconds=1)
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
    caplog: pytest.LogCaptureFixture, one_in: str, expected: list[int]
) -> None:
    """A successful call is logged with its status if it belongs to the sample."""
    sampling = Environment({"SAMPLED_CALLS": one_in})

    @public_http_handler(sampling, budget_seconds=1)
    def answering(request: http.Request, _: Environment) -> http.Response:
        return http.Response(200, "{}", {})

    with caplog.at_level("INFO"):
        answering(event("docs"), Context())

    found = [each for each in caplog.records if each.getMessage() == "a sampled call"]
    assert [vars(each)["status"] for each in found] == expected


def test_refusals_are_logged_without_a_sample(caplog: pytest.LogCaptureFixture) -> None:
    """Every error response is logged with its code, whether its call is sampled or not."""

    @public_http_handler(Environment({}), budget_seconds=1)
    def refusing(request: http.Request, _: Environment) -> http.Response:
        raise InvalidRequest(request.route)

    with caplog.at_level("INFO"):
        refusing(event("docs"), Context())

    (record,) = caplog.records
    assert vars(record)["code"] == "invalid_request"
