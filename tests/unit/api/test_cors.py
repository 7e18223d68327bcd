"""CORS of responses that API Gateway does not handle."""

import pytest

from tests.support.functions import Response, event, forget_environment, request

ORIGINS = "https://www.example.com, https://tv.example.com"


def openapi(origin: str | None) -> Response:
    """Request a document that needs no token, from a page of that origin."""
    headers = {"Origin": origin} if origin else {}
    return request("docs", {**event("docs_openapi"), "headers": headers})


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions of a deployment with pages of two origins."""
    monkeypatch.setenv("CORS_ALLOW_ORIGIN", ORIGINS)
    forget_environment()


@pytest.mark.parametrize("origin", ORIGINS.split(", "))
def test_each_origin_is_told_itself(origin: str) -> None:
    """A page of a listed origin may read the response, and caches keep origins apart."""
    answer = openapi(origin)

    assert answer.headers["access-control-allow-origin"] == origin
    assert "Origin" in answer.headers["vary"].split(", ")
    assert "retry-after" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", [None, "https://www.example.com.evil.example", "null"])
def test_no_other_origin(origin: str | None) -> None:
    """Other pages may not, and get no list of origins; caches keep this response apart."""
    answer = openapi(origin)

    assert "access-control-allow-origin" not in answer.headers
    assert "Origin" in answer.headers["vary"].split(", ")


def test_any_origin_needs_no_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """If every page may read, one cached response is valid for all."""
    monkeypatch.setenv("CORS_ALLOW_ORIGIN", "*")
    forget_environment()

    assert openapi("https://www.example.com").headers["vary"] == "Accept-Encoding"
