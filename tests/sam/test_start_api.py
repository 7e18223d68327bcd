"""A player's four calls through `sam local start-api`, including the authorizer."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from local import demo
from local.stack import Stack
from tests.sam.command import Sam
from tests.support.kafka import await_events

FILM = f"/api/v1/stream/{demo.DEMO_MOVIE_ID}"
# SAM creates a container for the first call of each function.
SECONDS = 180

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def api(sam: Sam) -> Iterator[httpx.Client]:
    """The API, called without a token."""
    with sam.api() as url, httpx.Client(base_url=url, timeout=SECONDS) as client:
        yield client


def linked(playlist: httpx.Response) -> list[str]:
    """Return the URLs in a playlist, all of which are signed."""
    assert playlist.status_code == 200
    text = playlist.text
    urls = re.findall(r"(?m)^[^#\s].*$", text) + re.findall(r'URI="([^"]+)"', text)
    assert urls
    for url in urls:
        assert {"X-Amz-Signature", "X-Amz-Credential"} <= parse_qs(urlsplit(url).query).keys(), url
    return urls


def test_play_through(api: httpx.Client, stack: Stack) -> None:
    """A film starts, plays from the private bucket, stops, and is resumed at its position."""
    token = {"Authorization": f"Bearer {stack.token()}"}

    started = api.post(FILM, json={"manifest_type": "hls"}, headers=token)
    assert started.status_code == 200, started.text
    session_id = started.json()["session_id"]
    # From manifest to playlist to segment, as a player does.
    manifest_url = started.json()["manifest_url"]
    variant_url = linked(httpx.get(manifest_url))[0]
    segment_url = linked(httpx.get(variant_url))[0]
    segment = httpx.get(segment_url)
    assert segment.status_code == 200
    assert len(segment.content) > 1000
    for url in (manifest_url, variant_url, segment_url):
        assert httpx.get(url.partition("?")[0]).status_code == 403

    report = {"position_seconds": 20, "session_id": session_id, "sequence": 1}
    reported = api.post(f"{FILM}/progress", json=report, headers=token)
    assert reported.json()["message"] == "Progress updated successfully"
    position = api.get(f"{FILM}/progress", headers=token)
    assert position.json()["position_seconds"] == 20
    last = {"position_seconds": 25, "session_id": session_id, "sequence": 2}
    stopped = api.post(f"{FILM}/stop", json=last, headers=token)
    assert stopped.json()["session_id"] == session_id
    watching = api.get("/api/v1/stream/progress", params={"limit": 5}, headers=token)
    assert [item["position_seconds"] for item in watching.json()["items"]] == [25]

    servers = stack.environment["KAFKA_BOOTSTRAP_SERVERS"]
    events = await_events(servers, demo.DEMO_USER_ID, 3)
    assert {topic: len(found) for topic, found in events.items() if found} == {
        "stream.start": 1,
        "stream.progress": 1,
        "stream.stop": 1,
    }


@pytest.mark.parametrize(
    ("authorization", "code"),
    [("Bearer not.a.token", "token_invalid"), ("Basic abc", "token_missing")],
)
def test_bad_token(api: httpx.Client, authorization: str, code: str) -> None:
    """The authorizer is called: an invalid token is 401, and the response gives the reason."""
    answer = api.get(f"{FILM}/progress", headers={"Authorization": authorization})

    assert answer.status_code == 401
    assert answer.json()["code"] == code


def test_expired_token(api: httpx.Client, stack: Stack) -> None:
    """An expired token is distinguished from one that was never valid."""
    token = stack.token(exp=1)

    answer = api.get(f"{FILM}/progress", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401
    assert answer.json()["code"] == "token_expired"


def test_no_token(api: httpx.Client) -> None:
    """Without a token the gateway itself responds, as AWS's does."""
    assert api.get(f"{FILM}/progress").status_code == 401


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/docs"])
def test_open_routes(api: httpx.Client, path: str) -> None:
    """The documentation and the health check need no token."""
    assert api.get(path).status_code == 200
