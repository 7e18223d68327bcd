"""Text that is invalid for databases and protocols, in every input of a caller or a producer."""

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import jwt
import pytest

from local.stack import Stack
from streaming.domain import clock
from tests.conftest import set_subscription
from tests.support.functions import Response, Viewer, event, invoke, new_viewer, request

TEXTS = {"a lone surrogate": "\ud800", "NUL": "a\x00b", "100 KB": "x" * 100_000}

hostile = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())


def in_start_body(viewer: Viewer, movie_id: UUID, text: str) -> Response:
    """Send it as the manifest type."""
    return viewer.start(movie_id, {"manifest_type": text})


def in_session_id(viewer: Viewer, movie_id: UUID, text: str) -> Response:
    """Send it as the session id."""
    return viewer.report(movie_id, 1, session_id=text, sequence=1)


def in_unknown_field(viewer: Viewer, movie_id: UUID, text: str) -> Response:
    """Send it in an unknown field, of a stop of an unknown session."""
    unknown = "01a203e4-95a0-7861-abfc-81f38889f4af"
    return viewer.stop(movie_id, 1, session_id=unknown, sequence=1, note=text)


def in_path(viewer: Viewer, movie_id: UUID, text: str) -> Response:
    """Send it as the film's id."""
    return viewer.progress(text)


def in_idempotency_key(viewer: Viewer, movie_id: UUID, text: str) -> Response:
    """Send it as the Idempotency-Key."""
    return viewer.start(movie_id, key=text)


def in_identity(viewer: Viewer, movie_id: UUID, text: str) -> Response:
    """Pass it as the user in the authorizer's context."""
    payload = event("get_progress")
    payload["requestContext"]["authorizer"]["lambda"]["user_id"] = text
    return request("get", payload)


def in_limit(viewer: Viewer, movie_id: UUID, text: str) -> Response:
    """Send it in the query."""
    payload = event("get_continue_watching")
    payload["requestContext"]["authorizer"]["lambda"]["user_id"] = str(viewer.user_id)
    payload["queryStringParameters"] = {"limit": text}
    return request("get", payload)


@pytest.fixture
def neighbour(stack: Stack, environment: dict[str, str], movie_id: UUID) -> Viewer:
    """Another subscriber, with a position of 7 s in the film."""
    other = new_viewer(stack.token)
    set_subscription(stack, other.user_id)
    assert other.report(movie_id, 7).status == 200
    return other


@hostile
@pytest.mark.parametrize(
    "send",
    [
        in_start_body,
        in_session_id,
        in_unknown_field,
        in_path,
        in_idempotency_key,
        in_identity,
        in_limit,
    ],
)
def test_refused_and_nobody_sees_another(
    viewer: Viewer,
    neighbour: Viewer,
    movie_id: UUID,
    send: Callable[[Viewer, UUID, str], Response],
    text: str,
) -> None:
    """The response is a client error; the next call gets its own user's data."""
    assert viewer.report(movie_id, 3).status == 200

    answer = send(viewer, movie_id, text)

    assert 400 <= answer.status < 500, answer.body
    assert len(answer.body) < 2_000, "what was sent is not sent back"
    for user, position in ((neighbour, 7), (viewer, 3)):
        found = user.progress(movie_id).json
        assert (found["user_id"], found["position_seconds"]) == (str(user.user_id), position)


@hostile
@pytest.mark.parametrize("name", ["user-agent", "origin", "accept-encoding", "x-anything"])
def test_headers_that_nobody_needs(
    viewer: Viewer, neighbour: Viewer, movie_id: UUID, name: str, text: str
) -> None:
    """A user agent never prevents playback, and no other user's rows are returned."""
    payload = viewer.event("start_without_body", movie_id, None, userAgent=text, sourceIp=text)
    payload["headers"][name] = text

    assert request("start", payload).status == 200

    assert neighbour.progress(movie_id).json["user_id"] == str(neighbour.user_id)


@hostile
@pytest.mark.parametrize("claim", ["sub", "role", "exp", "extra"])
def test_claims(environment: dict[str, str], claim: str, text: str) -> None:
    """A token with such a claim identifies no other user, and no admin."""
    claims: dict[str, Any] = {
        "sub": "6f1c2a34-9b7e-4c1d-8a55-2d3e4f5a6b7c",
        "exp": int(clock.now().timestamp()) + 60,
        claim: text,
    }
    token = jwt.encode(claims, environment["JWT_SECRET_KEY"], algorithm="HS256")

    payload = {**event("authorizer"), "headers": {"authorization": f"Bearer {token}"}}
    context = invoke("authorizer", payload)["context"]

    if claim in ("sub", "exp") or len(token) > 8192:
        assert context["token_problem"] == "token_invalid"
    else:
        assert (context["user_id"], context["role"]) == (claims["sub"], "")


@hostile
def test_authorization_header(environment: dict[str, str], text: str) -> None:
    """A header that is not a token gets the response of an invalid token."""
    payload = {**event("authorizer"), "headers": {"authorization": f"Bearer {text}"}}

    assert invoke("authorizer", payload)["context"]["token_problem"] == "token_invalid"


@hostile
def test_kafka_record(environment: dict[str, str], viewer: Viewer, text: str) -> None:
    """A record without a valid user is skipped, and the next one is processed."""
    payload = event("subscription_changed")
    partition, (template, *_) = next(iter(payload["records"].items()))
    values = [
        json.dumps({"user_id": text}).encode(),
        text.encode("utf-8", "surrogatepass"),
        json.dumps({"user_id": str(viewer.user_id)}).encode(),
    ]
    payload["records"] = {
        partition: [
            {**template, "offset": offset, "value": base64.b64encode(value).decode()}
            for offset, value in enumerate(values)
        ]
    }

    assert invoke("subscription_changed", payload) == {"forgotten": 1}
