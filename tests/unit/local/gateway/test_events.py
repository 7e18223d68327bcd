"""The local gateway's events, routes and responses, compared with API Gateway's documentation."""

import base64
import json
from typing import Any

import pytest

from local.gateway import cors, events, responses
from local.gateway.events import Request
from local.gateway.model import Authorizer, Cors, Route
from local.gateway.responses import InvalidResultError, Response
from local.gateway.routes import Match, Router

RECEIVED = 1583348638.390  # 04/Mar/2020:19:03:58 +0000


def request(
    target: str = "/my/path",
    query: str = "",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
    method: str = "POST",
) -> Request:
    """Return a request as it comes from the server."""
    return Request(
        method=method,
        target=target,
        query=query,
        headers=(("host", "id.execute-api.example:8005"), ("user-agent", "agent"), *headers),
        body=body,
        source_ip="192.0.2.1",
        port=8005,
        id="JKJaXmPLvHcESHA=",
        received=RECEIVED,
    )


def event_of(given: Request, *routes: Route, context: Any = None) -> dict[str, Any]:
    """Return the event of a request to the first matching route."""
    match = Router(routes or [Route("ANY", "$default", "F")]).match(given.method, given.path)
    assert match is not None
    return events.event(given, match, context)


def test_event_has_the_documented_shape() -> None:
    """Every key of the documentation's example exists with the value that the request implies."""
    given = request(
        query="parameter1=value1&parameter1=value2&parameter2=value",
        headers=(
            ("header1", "value1"),
            ("header2", "value1"),
            ("header2", "value2"),
            ("cookie", "cookie1=a; cookie2=b"),
            ("content-type", "text/plain"),
        ),
        body=b"Hello from client!",
    )
    event = event_of(given)
    trace = event["headers"].pop("x-amzn-trace-id")
    assert trace.startswith("Root=1-5e5ffb9e-")
    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/my/path",
        "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
        "cookies": ["cookie1=a", "cookie2=b"],
        "headers": {
            "content-length": "18",
            "content-type": "text/plain",
            "header1": "value1",
            "header2": "value1,value2",
            "host": "id.execute-api.example:8005",
            "user-agent": "agent",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "8005",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": "id.execute-api.example",
            "domainPrefix": "id",
            "http": {
                "method": "POST",
                "path": "/my/path",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "agent",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "04/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1583348638390,
        },
        "body": "Hello from client!",
        "isBase64Encoded": False,
    }


def test_absent_parts_have_no_key() -> None:
    """Without body, cookies, query or path variables, their keys are missing, as in real events."""
    event = event_of(request(method="GET"))
    assert event.keys().isdisjoint({"body", "cookies", "queryStringParameters", "pathParameters"})
    assert event["rawQueryString"] == ""
    assert event["isBase64Encoded"] is False


def test_path_is_decoded_once_and_before_routing() -> None:
    """Path and variables are decoded, an encoded slash separates, %25 is not decoded twice."""
    route = Route("GET", "/films/{name}", "F")
    event = event_of(request("/films/a%20b%252Fc", method="GET"), route)
    assert event["rawPath"] == "/films/a b%2Fc"
    assert event["requestContext"]["http"]["path"] == "/films/a b%2Fc"
    assert event["pathParameters"] == {"name": "a b%2Fc"}
    assert Router([route]).match("GET", request("/films/a%2Fb").path) is None


def test_decoded_question_mark_ends_the_path() -> None:
    """API Gateway cuts the path at a decoded question mark; so does the local gateway."""
    assert event_of(request("/films/a%3Fadmin=1"))["rawPath"] == "/films/a"


def test_query_is_raw_and_decoded() -> None:
    """The raw query string stays encoded, the parameters are decoded, empty values are kept."""
    event = event_of(request(query="q=a%2Bb+c&empty=&bare"))
    assert event["rawQueryString"] == "q=a%2Bb+c&empty=&bare"
    assert event["queryStringParameters"] == {"q": "a+b c", "empty": "", "bare": ""}


@pytest.mark.parametrize(
    ("content_type", "encoded"),
    [
        ("application/json", False),
        ("application/json; charset=utf-8", False),
        ("Text/CSV", False),
        ("application/xml", False),
        ("application/javascript", False),
        ("application/problem+json", True),
        ("application/x-www-form-urlencoded", True),
        ("application/octet-stream", True),
        (None, True),
    ],
)
def test_body_is_text_or_base64_by_its_type(content_type: str | None, encoded: bool) -> None:  # noqa: FBT001
    """Only the media types that API Gateway treats as text arrive as text."""
    headers = () if content_type is None else (("content-type", content_type),)
    event = event_of(request(headers=headers, body=b'{"a": 1}'))
    assert event["isBase64Encoded"] is encoded
    body = base64.b64decode(event["body"]).decode() if encoded else event["body"]
    assert body == '{"a": 1}'


def test_forwarded_for_is_appended() -> None:
    """A client cannot forge its address: its real one is always the last."""
    event = event_of(request(headers=(("x-forwarded-for", "203.0.113.9"),)))
    assert event["headers"]["x-forwarded-for"] == "203.0.113.9, 192.0.2.1"


def test_authorizer_context_is_below_lambda() -> None:
    """The authorizer's context is in requestContext.authorizer.lambda, types unchanged."""
    route = Route("POST", "/my/path", "F", authorizer="A")
    event = event_of(request(), route, context={"user_id": "u", "exp": 7})
    assert event["requestContext"]["authorizer"] == {"lambda": {"user_id": "u", "exp": 7}}


def test_authorizer_event_has_the_documented_shape() -> None:
    """The authorizer sees the request without its body, the route's ARN and the identity."""
    given = request(headers=(("authorization", "Bearer x"),), body=b"secret")
    match = Match(Route("POST", "/my/path", "F", authorizer="A"), {})
    event = events.authorizer_event(given, match, "us-east-1", ["Bearer x"])
    assert event["version"] == "2.0"
    assert event["type"] == "REQUEST"
    assert event["routeArn"] == (
        "arn:aws:execute-api:us-east-1:123456789012:local/$default/POST/my/path"
    )
    assert event["identitySource"] == ["Bearer x"]
    assert event["routeKey"] == "POST /my/path"
    assert "body" not in event
    assert "authorizer" not in event["requestContext"]


@pytest.mark.parametrize("headers", [(), (("authorization", ""),)])
def test_missing_or_empty_identity_is_none(headers: tuple[tuple[str, str], ...]) -> None:
    """Without the identity source the authorizer is not called."""
    match = Match(Route("POST", "/my/path", "F"), {})
    authorizer = Authorizer("A", "F", headers=("authorization",))
    assert events.identity_source(request(headers=headers), authorizer, match) is None


ROUTES = [
    Route("ANY", "/{proxy+}", "any greedy"),
    Route("GET", "/pets/{proxy+}", "greedy"),
    Route("GET", "/pets/dog/{id}", "variable"),
    Route("ANY", "/pets/dog/1", "any method"),
    Route("GET", "/pets/dog/1", "exact"),
    Route("ANY", "$default", "default"),
]


@pytest.mark.parametrize(
    ("method", "path", "function"),
    [
        ("GET", "/pets/dog/1", "exact"),
        ("POST", "/pets/dog/1", "any method"),
        ("GET", "/pets/dog/2", "variable"),
        ("GET", "/pets/cat/1", "greedy"),
        ("POST", "/pets/dog/2", "any greedy"),
        ("GET", "/pets/dog/", "greedy"),
        ("GET", "/", "default"),
    ],
)
def test_most_specific_route_wins(method: str, path: str, function: str) -> None:
    """The priorities are those of API Gateway's own example."""
    match = Router(ROUTES).match(method, path)
    assert match is not None
    assert match.route.function == function


def test_trailing_slash_and_empty_variable_match_nothing() -> None:
    """/films differs from /films/, and a variable is never empty."""
    router = Router([Route("GET", "/films", "F"), Route("GET", "/films/{name}", "F")])
    assert router.match("GET", "/films/") is None
    assert router.match("HEAD", "/films") is None


def test_response_with_status_is_taken_as_it_is() -> None:
    """Status, headers in lower case, cookies and a base64 body arrive at the client."""
    result = {
        "statusCode": 201,
        "headers": {"Content-Type": "image/png", "X-Count": 3, "Connection": "close"},
        "cookies": ["a=1; Secure", "b=2"],
        "body": base64.b64encode(b"\x89PNG").decode(),
        "isBase64Encoded": True,
    }
    response = responses.from_result(json.dumps(result).encode())
    assert response == Response(
        201,
        [
            ("content-type", "image/png"),
            ("x-count", "3"),
            ("set-cookie", "a=1; Secure"),
            ("set-cookie", "b=2"),
        ],
        b"\x89PNG",
    )


@pytest.mark.parametrize(
    ("payload", "body"),
    [(b'{"a":1}', b'{"a":1}'), (b'"Hello"', b"Hello"), (b"null", b"null"), (b"[1]", b"[1]")],
)
def test_response_without_status_is_inferred(payload: bytes, body: bytes) -> None:
    """A result without statusCode is the JSON body of a 200, a string without its quotes."""
    expected = Response(200, [("content-type", "application/json")], body)
    assert responses.from_result(payload) == expected


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "teapot"},
        {"statusCode": 99},
        {"statusCode": True},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": "x\r\nset-cookie: y"}},
        {"statusCode": 200, "headers": {"bad name": "x"}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "body": "?", "isBase64Encoded": True},
    ],
)
def test_invalid_result_is_refused(result: dict[str, Any]) -> None:
    """Results for which API Gateway returns 500 are not corrected here."""
    with pytest.raises(InvalidResultError):
        responses.from_result(json.dumps(result).encode())


CORS = Cors(
    origins=("https://player.example",),
    methods=("GET", "POST"),
    headers=("authorization", "content-type"),
    expose=("retry-after",),
    max_age=600,
)


def preflight(origin: str, method: str, headers: str = "") -> dict[str, str]:
    """Return the headers of a preflight's response."""
    given = request(
        method="OPTIONS",
        headers=(
            ("origin", origin),
            ("access-control-request-method", method),
            ("access-control-request-headers", headers),
        ),
    )
    return dict(cors.preflight(CORS, given).headers)


def test_preflight_tells_what_is_allowed() -> None:
    """An allowed origin gets methods, headers and the cache time."""
    assert preflight("https://player.example", "POST", "Authorization, content-type") == {
        "access-control-allow-origin": "https://player.example",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "authorization,content-type",
        "access-control-max-age": "600",
    }


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        ("https://elsewhere.example", "GET", ""),
        ("https://player.example", "DELETE", ""),
        ("https://player.example", "GET", "x-other"),
    ],
)
def test_preflight_of_anything_else_allows_nothing(origin: str, method: str, headers: str) -> None:
    """If one part is not allowed, there is no CORS header."""
    assert preflight(origin, method, headers) == {}


def test_api_cors_replaces_the_functions_own() -> None:
    """The API's configuration takes precedence over CORS headers that a function returns."""
    response = Response(200, [("access-control-allow-origin", "*"), ("x-other", "kept")])
    given = request(headers=(("origin", "https://player.example"),))
    cors.apply(CORS, given, response)
    assert response.headers == [
        ("x-other", "kept"),
        ("access-control-allow-origin", "https://player.example"),
        ("access-control-expose-headers", "retry-after"),
    ]
