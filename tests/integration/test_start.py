"""Starting a film: entitlement, delivery, session, event."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from redis import Redis

from local.stack import Stack
from streaming.domain import clock
from tests.conftest import Rows, set_subscription
from tests.support import plain_http
from tests.support.connections import close_connections
from tests.support.functions import Viewer, forget_environment, patient_request
from tests.support.kafka import await_events


@pytest.mark.parametrize(("manifest_type", "name"), [("hls", "index.m3u8"), ("dash", "index.mpd")])
def test_answer(viewer: Viewer, movie_id: UUID, manifest_type: str, name: str) -> None:
    """A start returns all documented fields, and a signed URL of the film's copy."""
    patient = replace(viewer, send=patient_request)

    started = patient.start(movie_id, {"manifest_type": manifest_type})

    assert started.status == 200
    assert started.json["manifest_type"] == manifest_type
    assert started.json["expires_in"] == 3600
    assert started.json["resume_position_seconds"] == 0
    assert started.json["duration_seconds"] == 60
    assert UUID(started.json["session_id"]).version == 7
    url = urlsplit(started.json["manifest_url"])
    assert url.path.startswith("/vod/playback/")
    assert url.path.endswith(f"/movies/{movie_id}/{name}")
    assert parse_qs(url.query)["X-Amz-Expires"] == ["3600"]
    assert started.headers["access-control-allow-origin"] == "*"


def test_empty_body_means_hls(viewer: Viewer, movie_id: UUID) -> None:
    """A start without a body plays HLS."""
    assert viewer.start(movie_id).json["manifest_type"] == "hls"


def test_every_url_is_signed(viewer: Viewer, movie_id: UUID) -> None:
    """The manifest and its segments can be read with the returned URL, and not without it."""
    url = viewer.start(movie_id).json["manifest_url"]

    playlist = plain_http.get(url)
    nested = [line for line in playlist.text.splitlines() if line.startswith("http")]
    segments = [
        line for line in plain_http.get(nested[0]).text.splitlines() if line.startswith("http")
    ]

    assert playlist.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert nested
    assert segments
    for signed in (url, *nested, *segments):
        assert plain_http.get(signed, headers={"Range": "bytes=0-9"}).status_code in (200, 206)
        assert plain_http.get(signed.partition("?")[0]).status_code == 403


def test_urls_inside_outlive_the_film(viewer: Viewer, movie_id: UUID) -> None:
    """Segments are signed for one and a half times the film, an hour of pauses and the window."""
    manifest = plain_http.get(
        viewer.start(movie_id, {"manifest_type": "dash"}).json["manifest_url"]
    )

    assert f"X-Amz-Expires={round(60 * 1.5) + 3600 + 3600}" in manifest.text


def test_session_row(viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """The session is stored with the caller's user agent and the network of the address."""
    agent = "x" * 600 + "\ud800\x00"
    started = viewer.start(movie_id, sourceIp="198.51.100.9", userAgent=agent)

    session = rows("SELECT * FROM stream_sessions WHERE user_id = :user", user=viewer.user_id)

    assert started.status == 200
    assert len(session) == 1
    assert str(session[0]["id"]) == started.json["session_id"]
    assert session[0]["movie_id"] == movie_id
    assert session[0]["player_address"] == "198.51.100.0"
    assert session[0]["player_agent"] == "x" * 512
    assert session[0]["ended_at"] is None
    assert session[0]["started_at"] is not None


@pytest.mark.parametrize("address", ["198.51.100.9, 10.0.0.1", "\x00", "x" * 100_000])
def test_strange_address(viewer: Viewer, movie_id: UUID, rows: Rows, address: str) -> None:
    """An invalid address is not stored, and does not prevent playback."""
    assert viewer.start(movie_id, sourceIp=address).status == 200

    (session,) = rows("SELECT * FROM stream_sessions WHERE user_id = :user", user=viewer.user_id)
    assert session["player_address"] is None


def test_event(stack: Stack, viewer: Viewer, movie_id: UUID, rows: Rows) -> None:
    """stream.start has the seed's event format, and the outbox is empty again."""
    session_id = viewer.start(movie_id).json["session_id"]

    events = await_events(stack.environment["KAFKA_BOOTSTRAP_SERVERS"], viewer.user_id, 1)

    (event,) = events["stream.start"]
    assert event["user_id"] == str(viewer.user_id)
    assert event["movie_id"] == str(movie_id)
    assert event["action"] == "stream_start"
    assert event["session_id"] == session_id
    assert clock.parse_iso(event["timestamp"]) <= datetime.now(UTC)
    assert UUID(event["event_id"]).version == 7
    assert rows("SELECT 1 FROM event_outbox WHERE key = :key", key=str(viewer.user_id)) == []


def test_unknown_film(viewer: Viewer, rows: Rows) -> None:
    """A film that is not in the bucket is 404 and opens no session."""
    answer = viewer.start(uuid4())

    assert (answer.status, answer.json["code"]) == (404, "movie_not_found")
    assert rows("SELECT 1 FROM stream_sessions WHERE user_id = :user", user=viewer.user_id) == []


def test_missing_form(viewer: Viewer) -> None:
    """A film without a DASH manifest is 404 for DASH and plays as HLS."""
    ts_film = UUID("018f6a52-3c1e-7d4b-9a60-5b0c2d7e1f02")

    assert viewer.start(ts_film, {"manifest_type": "dash"}).json["code"] == "movie_not_found"
    assert viewer.start(ts_film, {"manifest_type": "hls"}).status == 200


@pytest.mark.parametrize(
    "manifest",
    [
        b"<html>no manifest</html>",
        b"",
        b"\xff\xfe\x00",
        b"#EXTM3U\n#EXTINF:4,\n../../secret.ts\n",
        b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nmissing.m3u8\n",
    ],
)
def test_broken_manifest(stack: Stack, viewer: Viewer, rows: Rows, manifest: bytes) -> None:
    """An invalid manifest, or one with URIs outside the film or to nothing, is 502, unsigned."""
    film = uuid4()
    put_object(stack, f"movies/{film}/index.m3u8", manifest)

    answer = viewer.start(film)

    assert (answer.status, answer.json["code"]) == (502, "film_unplayable")
    assert "secret" not in answer.body
    assert rows("SELECT 1 FROM stream_sessions WHERE user_id = :user", user=viewer.user_id) == []


def put_object(stack: Stack, key: str, body: bytes) -> None:
    """Upload an object to the film bucket."""
    stack.s3.admin_client.put_object(Bucket="vod", Key=key, Body=body)


def test_no_subscription(stranger: Viewer, movie_id: UUID, redis: Redis) -> None:
    """A user without a subscription gets 403, cached for 30 s only."""
    answer = stranger.start(movie_id)

    assert (answer.status, answer.json["code"]) == (403, "subscription_required")
    assert 0 < redis.ttl(f"subscription:{stranger.user_id}") <= 30


@pytest.mark.parametrize(
    "subscription",
    [{"is_active": False}, {"expires_at": clock.iso(datetime.now(UTC) - timedelta(seconds=1))}],
)
def test_lapsed_subscription(
    stack: Stack, stranger: Viewer, movie_id: UUID, subscription: dict[str, object]
) -> None:
    """An inactive or expired subscription is no subscription."""
    set_subscription(stack, stranger.user_id, **subscription)

    assert stranger.start(movie_id).json["code"] == "subscription_required"


def test_subscription_cache(stack: Stack, viewer: Viewer, movie_id: UUID, redis: Redis) -> None:
    """The subscription is cached under the seed's key, for at most 300 s, and used from there."""
    viewer.start(movie_id)
    set_subscription(stack, viewer.user_id, is_active=False)

    assert viewer.start(movie_id).status == 200
    assert 260 < redis.ttl(f"subscription:{viewer.user_id}") <= 300


def test_cache_does_not_outlive_subscription(
    stack: Stack, stranger: Viewer, movie_id: UUID, redis: Redis
) -> None:
    """A subscription that ends in a minute is cached for at most that long."""
    ends = clock.iso(datetime.now(UTC) + timedelta(seconds=60))
    set_subscription(stack, stranger.user_id, expires_at=ends)

    assert stranger.start(movie_id).status == 200
    assert 0 < redis.ttl(f"subscription:{stranger.user_id}") <= 60
    assert 0 < redis.ttl(f"subscription:grace:{stranger.user_id}") <= 60


def test_second_viewer_needs_no_storage(
    stack: Stack, viewer: Viewer, movie_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film with a published copy starts in a new environment without a request to S3."""
    viewer.start(movie_id)
    forget_environment()
    monkeypatch.setenv("S3_ENDPOINT_URL", "http://127.0.0.1:9")

    assert viewer.start(movie_id).status == 200


def test_storage_down(viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A film that must be published while S3 is unavailable is 503 with Retry-After."""
    monkeypatch.setenv("S3_ENDPOINT_URL", "http://127.0.0.1:9")

    answer = viewer.start(uuid4())

    assert (answer.status, answer.json["code"]) == (503, "storage_unavailable")
    assert "retry-after" in answer.headers


def test_direct_delivery(viewer: Viewer, movie_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """DELIVERY=direct returns the film's own manifest, presigned, and 404 for a missing film."""
    monkeypatch.setenv("DELIVERY", "direct")

    url = viewer.start(movie_id).json["manifest_url"]

    assert urlsplit(url).path == f"/vod/movies/{movie_id}/index.m3u8"
    assert plain_http.get(url).text.startswith("#EXTM3U")
    assert viewer.start(uuid4()).json["code"] == "movie_not_found"


def test_public_endpoint(viewer: Viewer, movie_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """URLs are signed for the host that players use."""
    monkeypatch.setenv("S3_PUBLIC_ENDPOINT_URL", "https://films.example.com")

    url = viewer.start(movie_id).json["manifest_url"]

    assert url.startswith("https://films.example.com/vod/playback/")


def test_named_operations_agree_with_boto3(
    stack: Stack, environment: dict[str, str], movie_id: UUID
) -> None:
    """With the functions' permissions, the bucket distinguishes existing and missing objects."""
    from streaming.config.storage import StorageSettings
    from streaming.storage.bucket import FilmBucket

    bucket = FilmBucket(StorageSettings.from_environment(environment))

    assert bucket.check_object_exists(f"movies/{movie_id}/index.m3u8")
    assert not bucket.check_object_exists(f"movies/{movie_id}/nothing")
    admin = stack.s3.admin_client
    assert admin.head_object(Bucket="vod", Key=f"movies/{movie_id}/index.m3u8")
    close_connections([bucket])


@pytest.mark.parametrize(
    ("expires_at", "status"),
    [
        ("9999-12-31T23:59:59-05:00", 200),
        ("9999-12-31T23:59:59.9999999Z", 200),
        ("0001-01-01T00:00:00+01:00", 403),
        ("0001-01-01T00:00:00", 403),
    ],
)
def test_the_ends_of_the_calendar(
    stack: Stack, stranger: Viewer, movie_id: UUID, expires_at: str, status: int
) -> None:
    """Systems' values for "never" are after today, their values for "unset" before it."""
    set_subscription(stack, stranger.user_id, expires_at=expires_at)

    assert [stranger.start(movie_id).status for _ in range(2)] == [status, status]
