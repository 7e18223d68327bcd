"""The product for its users: over HTTP, with a real player, from the private bucket."""

import subprocess
from typing import Any
from uuid import UUID, uuid4

import httpx
import imageio_ffmpeg
import pytest

from local import demo
from local.stack import Stack
from streaming.access.identity import LEEWAY_SECONDS
from streaming.domain import clock
from tests.conftest import set_subscription
from tests.support import plain_http
from tests.support.kafka import await_events
from tests.support.waiting import eventually


@pytest.fixture
def subscriber(stack: Stack) -> UUID:
    """A user with a subscription."""
    user_id = uuid4()
    set_subscription(stack, user_id)
    return user_id


@pytest.fixture
def api(stack: Stack, subscriber: UUID) -> httpx.Client:
    """The API, called by the subscriber."""
    headers = {"Authorization": f"Bearer {stack.token(str(subscriber))}"}
    return httpx.Client(base_url=f"{stack.api_url}/api/v1", headers=headers, timeout=30)


def play(manifest_url: str) -> str:
    """Decode the whole film with ffmpeg; return ffmpeg's log."""
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    command = [ffmpeg, "-nostdin", "-loglevel", "debug", "-i", manifest_url, "-f", "null", "-"]
    run = subprocess.run(command, capture_output=True, timeout=120, check=False)
    log = run.stderr.decode(errors="replace")
    assert run.returncode == 0, log[-2000:]
    return log


@pytest.mark.parametrize(
    ("film", "manifest_type", "seconds"),
    [
        (demo.DEMO_MOVIE_ID, "hls", 60),
        (demo.DEMO_MOVIE_ID, "dash", 60),
        ("018f6a52-3c1e-7d4b-9a60-5b0c2d7e1f02", "hls", 20),
    ],
)
def test_ffmpeg_plays_to_the_end(
    api: httpx.Client, film: str, manifest_type: str, seconds: int
) -> None:
    """ffmpeg plays fMP4 by HLS and DASH, and MPEG-TS by HLS, and requests only signed URLs."""
    started = api.post(f"/stream/{film}", json={"manifest_type": manifest_type}).json()

    log = play(started["manifest_url"])

    assert started["duration_seconds"] == pytest.approx(seconds, abs=1)
    played = log.rpartition("time=00:")[2][:5]
    minutes, _, rest = played.partition(":")
    assert int(minutes) * 60 + int(rest) >= seconds - 1
    requested = {line.split("'")[1] for line in log.splitlines() if "' for reading" in line}
    opened = {url for url in requested if url.startswith("http")}
    assert opened
    assert all("X-Amz-Signature=" in url for url in opened)
    assert "403" not in {
        word for line in log.splitlines() if "HTTP error" in line for word in line.split()
    }


def test_nobody_reads_without_a_signature(stack: Stack, api: httpx.Client) -> None:
    """An unsigned GET is 403 for every object in the bucket, both films and copies."""
    api.post(f"/stream/{demo.DEMO_MOVIE_ID}").raise_for_status()
    listing: dict[str, Any] = stack.s3.admin_client.list_objects_v2(Bucket="vod")
    keys = [each["Key"] for each in listing["Contents"]]

    assert any(key.startswith("playback/") for key in keys)
    with httpx.Client(base_url=f"{stack.environment['S3_ENDPOINT_URL']}/vod") as anybody:
        assert {anybody.get(key).status_code for key in keys} == {403}


def test_four_calls(stack: Stack, api: httpx.Client, subscriber: UUID) -> None:
    """Start, report, look up and stop work through the gateway, and their events reach Kafka."""
    film = f"/stream/{demo.DEMO_MOVIE_ID}"

    session_id = api.post(film).json()["session_id"]
    placed = {"session_id": session_id, "sequence": 1}
    assert api.post(f"{film}/progress", json={"position_seconds": 30, **placed}).json()["success"]
    assert api.get(f"{film}/progress").json()["position_seconds"] == 30
    assert api.get("/stream/progress?limit=5").json()["items"][0]["movie_id"] == demo.DEMO_MOVIE_ID
    stopped = api.post(f"{film}/stop", json={"position_seconds": 31, **placed, "sequence": 2})
    assert stopped.json()["session_id"] == session_id

    events = await_events(stack.environment["KAFKA_BOOTSTRAP_SERVERS"], subscriber, 3)
    assert [each["action"] for topic in events.values() for each in topic] == [
        "stream_start",
        "stream_progress",
        "stream_stop",
    ]


def test_open_routes(stack: Stack) -> None:
    """The documentation and the health check need no token."""
    for path in ("/docs", "/openapi.json", "/health", "/"):
        assert plain_http.get(stack.api_url + path).status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": "Bearer x.y.z"}, "token_invalid"),
        ({"Authorization": "Basic eDp5"}, "token_missing"),
    ],
)
def test_bad_token(stack: Stack, headers: dict[str, str], code: str) -> None:
    """An invalid token is a 401 problem with its code, which a browser can read."""
    url = f"{stack.api_url}/api/v1/stream/{demo.DEMO_MOVIE_ID}"

    answer = plain_http.post(url, headers={**headers, "Origin": "https://player.example"})

    assert answer.status_code == 401
    assert answer.json()["code"] == code
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(("seconds", "status"), [(2, 200), (120, 401)])
def test_an_auth_service_whose_clock_is_ahead(
    stack: Stack, subscriber: UUID, seconds: int, status: int
) -> None:
    """A token that becomes valid in two seconds starts a film; one in two minutes does not yet."""
    begins_at = int(clock.now().timestamp()) + seconds
    token = stack.token(str(subscriber), nbf=begins_at, iat=begins_at)

    answer = plain_http.post(
        f"{stack.api_url}/api/v1/stream/{demo.DEMO_MOVIE_ID}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )

    assert answer.status_code == status, answer.text


def test_a_refusal_ends_with_its_reason(stack: Stack, subscriber: UUID) -> None:
    """A token is accepted as soon as it becomes valid, although the gateway caches decisions."""
    token = stack.token(str(subscriber), nbf=int(clock.now().timestamp()) + LEEWAY_SECONDS + 8)
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        url = f"{stack.api_url}/api/v1/stream/progress"

        refused = client.get(url)

        assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
        eventually(lambda: client.get(url).status_code == 200)


@pytest.mark.parametrize("movie_id", ["no-uuid", "%2e%2e%2f%2e%2e", "..%5c..", "%00", "é"])
def test_trickery_in_the_path(api: httpx.Client, movie_id: str) -> None:
    """A movie_id that is not a UUID is 422 or an unknown route, never a file."""
    assert api.post(f"/stream/{movie_id}").status_code in (404, 422)
