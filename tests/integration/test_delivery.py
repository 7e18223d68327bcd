"""Publishing signed copies: once, in advance, again, and with temporary credentials."""

import base64
import gzip
import json
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from local.stack import Stack
from streaming.composition.environment import Environment
from streaming.delivery.lifetime import SigningLifetime
from streaming.delivery.publisher import Publisher
from streaming.delivery.registry import CopyRegistry
from streaming.delivery.signed_copies import SignedCopies
from streaming.delivery.windows import Window
from streaming.domain import clock
from streaming.domain.films import ManifestType
from streaming.domain.identifiers import uuid7
from tests.support.connections import close_connections
from tests.support.failing_s3 import FailingS3
from tests.support.functions import (
    Viewer,
    event,
    forget_environment,
    invoke,
    patient_request,
    request,
)
from tests.support.moto_server import assume_role
from tests.support.other_servers import require_embedded_s3
from tests.support.redis_of_stack import client_of
from tests.support.role_credentials import role_credentials
from tests.support.waiting import eventually

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
WINDOW = 3600
SIGNING_ID = "test"
# The variables of a session that signs URLs, by those of a session of the role.
SIGNING_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "S3_ACCESS_KEY",
    "AWS_SECRET_ACCESS_KEY": "S3_SECRET_KEY",
    "AWS_SESSION_TOKEN": "S3_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION": "S3_CREDENTIAL_EXPIRATION",
}
TS_FILM = b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nchunk_00001.ts\n#EXT-X-ENDLIST\n"


class CountingPublisher:
    """A real publisher that counts its publications."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self.published: list[tuple[UUID, str]] = []

    def publish(
        self,
        movie_id: UUID,
        manifest_type: ManifestType,
        window: Window,
        edition: str,
        until: datetime | None,
    ) -> int | None:
        """Publish."""
        self.published.append((movie_id, window.name))
        return self._publisher.publish(movie_id, manifest_type, window, edition, until)


@pytest.fixture
def publisher(parts: Environment) -> CountingPublisher:
    """The publisher that the functions use."""
    signer = parts.signer_of(parts.read_signing_key())
    return CountingPublisher(Publisher(parts.film_bucket, signer, SIGNING_ID, (signer.bucket_url,)))


@pytest.fixture
def build(
    environment: dict[str, str], publisher: CountingPublisher
) -> Iterator[Callable[[], SignedCopies]]:
    """Builds delivery with a separate Redis connection, as in one execution environment each."""
    built = []

    def build() -> SignedCopies:
        parts = Environment(environment)
        copies = SignedCopies(
            signer=parts.signer_of(parts.read_signing_key()),
            lifetime=SigningLifetime(),
            signing_id=SIGNING_ID,
            registry=CopyRegistry(parts.redis_cache),
            publisher=lambda: publisher,
            expires_in=3600,
            window_seconds=WINDOW,
        )
        built.append(copies)
        return copies

    yield build
    close_connections(built)


@pytest.fixture
def new_environment(build: Callable[[], SignedCopies]) -> SignedCopies:
    """Delivery as in one execution environment."""
    return build()


@pytest.fixture
def film(stack: Stack) -> Iterator[UUID]:
    """A new film in the bucket."""
    movie_id = uuid4()
    put_manifest(stack, movie_id, TS_FILM)
    yield movie_id
    stack.s3.admin_client().delete_object(Bucket="vod", Key=f"movies/{movie_id}/index.m3u8")


def put_manifest(
    stack: Stack, movie_id: UUID, manifest: bytes, name: str = "index.m3u8", **headers: str
) -> None:
    """Upload a film's manifest."""
    key = f"movies/{movie_id}/{name}"
    stack.s3.admin_client().put_object(Bucket="vod", Key=key, Body=manifest, **headers)


def test_one_publication_for_all(
    build: Callable[[], SignedCopies], publisher: CountingPublisher, film: UUID
) -> None:
    """Eight environments that start a film concurrently publish it once."""
    environments = [build() for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        films = list(pool.map(lambda each: each.playable(film, "hls", NOW), environments))

    assert len(publisher.published) == 1
    assert len({playable.manifest_url for playable in films}) == 1
    assert films[0].duration_seconds == 4


def test_publications_are_equal(
    stack: Stack,
    build: Callable[[], SignedCopies],
    publisher: CountingPublisher,
    film: UUID,
) -> None:
    """Two publications of one window, at different times, write the same bytes."""
    key = f"playback/20260101T120000Z-{SIGNING_ID}/movies/{film}/index.m3u8"
    s3 = stack.s3.admin_client()
    bodies = []
    for seconds in (0, 2000):
        build().playable(film, "hls", NOW + timedelta(seconds=seconds))
        bodies.append(s3.get_object(Bucket="vod", Key=key)["Body"].read())
        redis = client_of(stack)
        for entry in list(redis.scan_iter(f"copy:{film}:*")):
            redis.delete(entry)

    assert len(publisher.published) == 2
    assert bodies[0] == bodies[1]


def test_copy_has_its_headers(stack: Stack, new_environment: SignedCopies, film: UUID) -> None:
    """A copy has its media type, its compression and its cache lifetime."""
    new_environment.playable(film, "hls", NOW)

    key = f"playback/20260101T120000Z-{SIGNING_ID}/movies/{film}/index.m3u8"
    head = stack.s3.admin_client().head_object(Bucket="vod", Key=key)

    assert head["ContentType"] == "application/vnd.apple.mpegurl"
    assert head["ContentEncoding"] == "gzip"
    assert head["CacheControl"] == f"private, max-age={WINDOW}"


def test_next_window_is_published_ahead(
    new_environment: SignedCopies, publisher: CountingPublisher, film: UUID
) -> None:
    """Near a window's end the next copy is published once, and later starts do not publish it."""
    new_environment.playable(film, "hls", NOW)
    near_the_end = datetime(2026, 1, 1, 12, 55, tzinfo=UTC)

    assert not new_environment.renew(film, "hls", NOW)
    assert new_environment.renew(film, "hls", near_the_end)
    assert not new_environment.renew(film, "hls", near_the_end)
    new_environment.playable(film, "hls", datetime(2026, 1, 1, 13, 0, 1, tzinfo=UTC))

    assert [name for _, name in publisher.published] == ["20260101T120000Z", "20260101T130000Z"]


def test_housekeeping_renews_films_in_use(
    viewer: Viewer, film: UUID, monkeypatch: pytest.MonkeyPatch, stack: Stack
) -> None:
    """Housekeeping publishes the next window's copies of recently started films."""
    # Metrics may not be of more than two hours from now.
    monkeypatch.setenv("DELIVERY_WINDOW_SECONDS", "5400")
    forget_environment()
    eventually(lambda: viewer.start(film).status == 200)
    following = Window.at(clock.now(), 5400).next
    just_before = following.begins_at - timedelta(seconds=60)
    monkeypatch.setattr(clock, "now", lambda: just_before)
    # Sessions are found by the time in their ids.
    session = "UPDATE stream_sessions SET id = :id, started_at = :at WHERE movie_id = :film"
    run(stack, session, id=uuid7(clock.milliseconds(just_before)), at=just_before, film=film)

    assert invoke("housekeeping", event("housekeeping"))["renewed"] >= 1

    prefix = f"playback/{following.name}"
    found = stack.s3.admin_client().list_objects_v2(Bucket="vod", Prefix=prefix)["Contents"]
    assert any(f"/movies/{film}/index.m3u8" in each["Key"] for each in found)


def run(stack: Stack, statement: str, **values: object) -> None:
    """Run a statement against the stack's PostgreSQL."""
    from streaming.config.database import DatabaseSettings
    from streaming.repository.database import Database

    database = Database(DatabaseSettings(stack.environment["DATABASE_URL"]))
    database.run(lambda transaction: transaction.rows(statement, **values))
    database.close()


def test_invalidate(stack: Stack, viewer: Viewer, film: UUID) -> None:
    """After an invalidation a replaced film is visible immediately, not before in the window."""
    first = viewer.start(film)
    put_manifest(stack, film, TS_FILM.replace(b"chunk_00001", b"remake_00001"))
    again = viewer.start(film).json["manifest_url"]
    # Another window has another copy.
    is_same_window = urlsplit(again).path == urlsplit(first.json["manifest_url"]).path
    assert ("remake_00001.ts" in httpx.get(again).text) is not is_same_window

    payload = event("invalidate")
    payload["pathParameters"]["movie_id"] = str(film)
    answer = request("invalidate", payload)

    assert answer.json["manifest_types"] == ["hls"]
    assert "remake_00001.ts" in httpx.get(viewer.start(film).json["manifest_url"]).text
    assert first.status == 200


def test_invalidate_deleted_film(stack: Stack, viewer: Viewer, film: UUID) -> None:
    """A film deleted from the bucket is 404 for the invalidation and the next start."""
    assert viewer.start(film).status == 200
    stack.s3.admin_client().delete_object(Bucket="vod", Key=f"movies/{film}/index.m3u8")

    payload = event("invalidate")
    payload["pathParameters"]["movie_id"] = str(film)

    assert request("invalidate", payload).json["code"] == "movie_not_found"
    assert viewer.start(film).json["code"] == "movie_not_found"


def test_rotated_key_publishes_anew(
    stack: Stack, viewer: Viewer, film: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a change of the signing key, the copy signed with the old one is replaced."""
    require_embedded_s3(stack)
    viewer.start(film)
    monkeypatch.setenv("S3_ACCESS_KEY", stack.environment["AWS_ACCESS_KEY_ID"])
    monkeypatch.setenv("S3_SECRET_KEY", stack.environment["AWS_SECRET_ACCESS_KEY"])
    forget_environment()

    playlist = httpx.get(viewer.start(film).json["manifest_url"]).text

    assert stack.environment["AWS_ACCESS_KEY_ID"] in playlist
    assert stack.environment["S3_ACCESS_KEY"] not in playlist


@pytest.mark.parametrize(("left", "honest"), [(600, 600), (86400, 3600), (None, 900)])
def test_temporary_credentials(
    viewer: Viewer,
    film: UUID,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    left: int | None,
    honest: int,
) -> None:
    """With temporary credentials `expires_in` is their lifetime, and the log says so."""
    monkeypatch.setenv("S3_SESSION_TOKEN", "a-session-token")
    if left is not None:
        expires_at = clock.iso(clock.now() + timedelta(seconds=left))
        monkeypatch.setenv("S3_CREDENTIAL_EXPIRATION", expires_at)
    forget_environment()

    answer = viewer.start(film).json

    query = parse_qs(urlsplit(answer["manifest_url"]).query)
    assert answer["expires_in"] == pytest.approx(honest, abs=2)
    assert query["X-Amz-Expires"] == [str(answer["expires_in"])]
    assert query["X-Amz-Security-Token"] == ["a-session-token"]
    assert "temporary credentials" in caplog.text


def let_time_pass(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Set the service's clock forward."""
    later = clock.now() + timedelta(seconds=seconds)
    monkeypatch.setattr(clock, "now", lambda: later)


@pytest.mark.parametrize(("variable", "life"), [("", 900), ("1800", 1800)])
@pytest.mark.parametrize("delivery", ["s3", "direct"])
def test_temporary_credentials_of_unknown_life(
    viewer: Viewer,
    film: UUID,
    monkeypatch: pytest.MonkeyPatch,
    delivery: str,
    variable: str,
    life: int,
) -> None:
    """Their lifetime counts from when they were first seen, once; afterwards they sign nothing."""
    monkeypatch.setenv("S3_SESSION_TOKEN", "a-session-token")
    monkeypatch.setenv("SIGNING_SESSION_SECONDS", variable)
    monkeypatch.setenv("DELIVERY", delivery)
    forget_environment()

    assert viewer.start(film).json["expires_in"] == pytest.approx(life, abs=5)
    let_time_pass(monkeypatch, life - 200)
    assert viewer.start(film).json["expires_in"] == pytest.approx(200, abs=5)
    let_time_pass(monkeypatch, 200)

    for _ in range(2):
        answer = viewer.start(film)
        assert (answer.status, answer.json["code"]) == (503, "storage_unavailable")


def test_credentials_that_have_expired(
    viewer: Viewer, film: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Expired credentials sign nothing."""
    monkeypatch.setenv("S3_SESSION_TOKEN", "a-session-token")
    monkeypatch.setenv("S3_CREDENTIAL_EXPIRATION", clock.iso(clock.now() - timedelta(seconds=1)))
    forget_environment()

    assert viewer.start(film).status == 503


def test_environment_restored_from_a_snapshot(
    viewer: Viewer, film: UUID, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without its own key a function signs with its role's sessions, within their lifetime."""
    # The local S3 does not support sessions, so S3's client gets another key.
    file = tmp_path / "credentials"
    key, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    file.write_text(f"[default]\naws_access_key_id={key}\naws_secret_access_key={secret}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("DELIVERY", "direct")
    for name in ("S3_ACCESS_KEY", "S3_SECRET_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    # The second is requested after 3360 s on the service's clock.
    first, second = assume_role(seconds=3600), assume_role(seconds=3360 + 3600)
    with role_credentials(first) as server:
        for name, value in server.variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SIGNED_URL_EXPIRATION", "7200")
        forget_environment()

        answers = [viewer.start(film)]
        server.session = second
        let_time_pass(monkeypatch, 60)
        answers.append(viewer.start(film))
        let_time_pass(monkeypatch, 3300)
        answers.append(viewer.start(film))
    let_time_pass(monkeypatch, 3400)
    answers.append(viewer.start(film))
    let_time_pass(monkeypatch, 300)
    dead = viewer.start(film)

    signed_by = [
        parse_qs(urlsplit(each.json["manifest_url"]).query)["X-Amz-Credential"][0].split("/")[0]
        for each in answers
    ]
    keys = [each["AWS_ACCESS_KEY_ID"] for each in (first, second)]
    assert signed_by == [keys[0], keys[0], keys[1], keys[1]]
    lives = [each.json["expires_in"] for each in answers]
    assert lives == pytest.approx([3600, 3540, 3600, 200], abs=5)
    assert (dead.status, dead.json["code"]) == (503, "storage_unavailable")


@pytest.mark.parametrize("delivery", ["s3", "direct"])
def test_session_of_sts(
    viewer: Viewer, film: UUID, monkeypatch: pytest.MonkeyPatch, delivery: str
) -> None:
    """URLs signed with an STS session expire with it at the latest, and `expires_in` says so."""
    session = assume_role(seconds=900)
    for name, value in session.items():
        monkeypatch.setenv(SIGNING_VARIABLES[name], value)
    monkeypatch.setenv("DELIVERY", delivery)
    forget_environment()

    answer = viewer.start(film).json

    query = parse_qs(urlsplit(answer["manifest_url"]).query)
    signed_at = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%S%z")
    life = timedelta(seconds=int(query["X-Amz-Expires"][0]))
    assert signed_at + life <= datetime.fromisoformat(session["AWS_CREDENTIAL_EXPIRATION"])
    assert answer["expires_in"] == pytest.approx(900, abs=5)
    assert query["X-Amz-Security-Token"] == [session["AWS_SESSION_TOKEN"]]


def test_variables_of_a_playlist(stack: Stack, viewer: Viewer) -> None:
    """A playlist that takes its segments' folder from its own query plays, for each query."""
    movie_id = uuid4()
    s3 = stack.s3.admin_client()
    objects = {
        "index.m3u8": (
            b"#EXTM3U\n"
            b"#EXT-X-STREAM-INF:BANDWIDTH=1\nmedia.m3u8?folder=low\n"
            b"#EXT-X-STREAM-INF:BANDWIDTH=2\nmedia.m3u8?folder=high\n"
        ),
        "media.m3u8": (
            b'#EXTM3U\n#EXT-X-VERSION:11\n#EXT-X-DEFINE:QUERYPARAM="folder"\n'
            b"#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{$folder}/1.ts\n#EXT-X-ENDLIST\n"
        ),
    }
    for name, body in objects.items():
        s3.put_object(Bucket="vod", Key=f"movies/{movie_id}/{name}", Body=body)

    master = httpx.get(viewer.start(movie_id).json["manifest_url"]).text
    playlists = [httpx.get(url).text for url in master.splitlines() if url.startswith("http")]

    assert [
        f"/movies/{movie_id}/{each}/1.ts?" in playlist
        for each, playlist in zip(("low", "high"), playlists, strict=True)
    ] == [True, True]


MASTER = b"""#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=1
v/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2
large/index.m3u8
"""


def test_compressed_playlists_play(stack: Stack, viewer: Viewer) -> None:
    """Playlists stored with Content-Encoding: gzip are decompressed as in browsers."""
    movie_id = uuid4()
    for name, body in {
        "index.m3u8": MASTER,
        "v/index.m3u8": TS_FILM,
        "large/index.m3u8": TS_FILM,
    }.items():
        put_manifest(stack, movie_id, gzip.compress(body), name, ContentEncoding="gzip")

    started = viewer.start(movie_id)

    assert (started.status, started.json["duration_seconds"]) == (200, 4)
    assert httpx.get(started.json["manifest_url"]).text.count("X-Amz-Signature") == 2


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", b"anything"),
        ("gzip, gzip", gzip.compress(gzip.compress(TS_FILM))),
        ("gzip", gzip.compress(TS_FILM)[:-9]),
        ("gzip", gzip.compress(bytes(64 * 1024 * 1024))),
    ],
    ids=["brotli", "twice", "cut off", "a bomb"],
)
def test_what_cannot_be_decompressed_is_refused(
    stack: Stack, viewer: Viewer, encoding: str, body: bytes
) -> None:
    """A playlist with another encoding, or above the size limit, does not play."""
    movie_id = uuid4()
    put_manifest(stack, movie_id, body, ContentEncoding=encoding)

    refused = viewer.start(movie_id)

    assert (refused.status, refused.json["code"]) == (502, "film_unplayable")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("utf-8", TS_FILM),
        (None, gzip.compress(TS_FILM)),
        ("gzip", gzip.compress(TS_FILM[:20]) + gzip.compress(TS_FILM[20:]) + bytes(512)),
        (None, "\ufeff".encode("utf-16-le") + TS_FILM.decode().encode("utf-16-le")),
    ],
    ids=["character set", "not declared", "members and padding", "UTF-16"],
)
def test_playlists_that_were_uploaded_wrongly(
    stack: Stack, viewer: Viewer, encoding: str | None, body: bytes
) -> None:
    """A playlist plays if its data is unambiguous and its header names no other coding."""
    movie_id = uuid4()
    headers = {} if encoding is None else {"ContentEncoding": encoding}
    put_manifest(stack, movie_id, body, **headers)

    started = viewer.start(movie_id)

    assert (started.status, started.json["duration_seconds"]) == (200, 4)
    assert httpx.get(started.json["manifest_url"]).text.count("X-Amz-Signature") == 1


@pytest.mark.parametrize(
    "body",
    [None, b"", b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n", b"#EXTM3U\n#EXTINF:4,\ncaf%E9.ts\n"],
    ids=["missing", "no bytes", "no segments", "name that is not UTF-8"],
)
def test_missing_rendition(
    stack: Stack, viewer: Viewer, caplog: pytest.LogCaptureFixture, body: bytes | None
) -> None:
    """A film plays without a missing or broken variant, and the operator is notified."""
    movie_id = uuid4()
    put_manifest(stack, movie_id, MASTER)
    put_manifest(stack, movie_id, TS_FILM, "v/index.m3u8")
    if body is not None:
        put_manifest(stack, movie_id, body, "large/index.m3u8")

    started = viewer.start(movie_id)

    assert started.status == 200
    playlist = httpx.get(started.json["manifest_url"]).text
    assert "v/index.m3u8" in playlist
    assert "large/index.m3u8" not in playlist
    (told,) = [each for each in caplog.records if "a rendition is missing" in each.getMessage()]
    assert vars(told)["path"] == "large/index.m3u8"


@pytest.mark.parametrize(
    ("archived", "status", "code"),
    [("large/index.m3u8", 200, None), ("index.m3u8", 502, "film_unplayable")],
)
def test_archived_playlist(
    stack: Stack,
    viewer: Viewer,
    monkeypatch: pytest.MonkeyPatch,
    archived: str,
    status: int,
    code: str | None,
) -> None:
    """A film plays without a variant that a lifecycle rule has moved to Glacier."""
    require_embedded_s3(stack)
    movie_id = uuid4()
    for name, body in {
        "index.m3u8": MASTER,
        "v/index.m3u8": TS_FILM,
        "large/index.m3u8": TS_FILM,
    }.items():
        put_manifest(stack, movie_id, body, name)

    def refuses(method: str, path: str) -> bool:
        return method == "GET" and f"/vod/movies/{movie_id}/{archived}" in path

    with FailingS3(stack.ports.s3_port, refuses, "InvalidObjectState") as s3:
        monkeypatch.setenv("S3_ENDPOINT_URL", s3.url)
        forget_environment()
        started = viewer.start(movie_id)

    assert (started.status, started.json.get("code")) == (status, code)


@pytest.mark.parametrize(
    "broken",
    [
        b"#EXT-X-STREAM-INF:BANDWIDTH=2\ncaf\xe9.m3u8\n",
        b"#EXT-X-STREAM-INF:BANDWIDTH=2\nfolder/\n",
        b'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="caf\xe9",URI="caf\xe9.m3u8"\n',
        b'#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="caf\xe9.m3u8"\n',
        b'#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="a"b.m3u8"\n',
        b'#EXT-X-SESSION-DATA:DATA-ID="a",URI="caf\xe9.json"\n',
    ],
    ids=["variant", "folder", "rendition", "I-frames", "quotation mark", "session data"],
)
def test_name_that_is_none(
    stack: Stack, viewer: Viewer, caplog: pytest.LogCaptureFixture, broken: bytes
) -> None:
    """A film plays without a variant whose name no object can have; the operator is notified."""
    movie_id = uuid4()
    whole = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/index.m3u8\n"
    put_manifest(stack, movie_id, whole + broken)
    put_manifest(stack, movie_id, TS_FILM, "v/index.m3u8")

    started = viewer.start(movie_id)

    assert started.status == 200
    lines = httpx.get(started.json["manifest_url"]).text.split()
    assert lines[:2] == whole.decode().splitlines()[:2]
    assert "v/index.m3u8?" in lines[2]
    assert len(lines) == 3
    assert "a rendition is missing" in caplog.text


def test_only_names_that_are_none(stack: Stack, viewer: Viewer) -> None:
    """A film all of whose variants have such names does not play."""
    movie_id = uuid4()
    put_manifest(stack, movie_id, b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ncaf\xe9.m3u8\n")

    refused = viewer.start(movie_id)

    assert (refused.status, refused.json["code"]) == (502, "film_unplayable")


def interstitial(attribute: str, name: str) -> bytes:
    """Return a film with an interstitial after its only segment."""
    line = f'#EXT-X-DATERANGE:ID="ad",CLASS="com.apple.hls.interstitial",{attribute}="{name}"\n'
    return TS_FILM.replace(b"#EXTINF", line.encode() + b"#EXTINF")


def asset(segments: int) -> bytes:
    """Return the playlist of an asset."""
    return b"#EXTM3U\n" + b"".join(b"#EXTINF:2,\nad/%d.ts\n" % each for each in range(segments))


def embedded(playlist: str) -> str:
    """Return the content of the only ``data:`` URL in a playlist or list."""
    (data,) = re.findall(r'"data:[a-z./]+;base64,([^"]*)"', playlist)
    return base64.b64decode(data).decode()


@pytest.mark.parametrize("attribute", ["X-ASSET-URI", "X-ASSET-LIST"])
def test_long_interstitials_are_embedded(stack: Stack, viewer: Viewer, attribute: str) -> None:
    """An interstitial of seven minutes plays in players that append a query to its URL."""
    movie_id = uuid4()
    put_manifest(stack, movie_id, asset(200), "ad.m3u8")
    assets = {"ASSETS": [{"URI": "ad.m3u8", "DURATION": 400}]}
    put_manifest(stack, movie_id, json.dumps(assets).encode(), "ads.json")
    is_list = attribute == "X-ASSET-LIST"
    put_manifest(stack, movie_id, interstitial(attribute, "ads.json" if is_list else "ad.m3u8"))

    playlist = httpx.get(viewer.start(movie_id).json["manifest_url"]).text

    inner = embedded(embedded(playlist)) if is_list else embedded(playlist)
    segments = [line for line in inner.splitlines() if line.startswith("http")]
    assert len(segments) == 200
    assert all("X-Amz-Signature" in each for each in segments)
    assert len(playlist) > 64 * 1024


def test_interstitials_that_cannot_be_embedded(
    stack: Stack, viewer: Viewer, caplog: pytest.LogCaptureFixture
) -> None:
    """A list of assets too long for a `data:` URL is left out, and the operator is notified."""
    movie_id = uuid4()
    assets = {"ASSETS": [{"URI": f"{each}.mp4", "DURATION": 2} for each in range(2000)]}
    put_manifest(stack, movie_id, json.dumps(assets).encode(), "ads.json")
    put_manifest(stack, movie_id, interstitial("X-ASSET-LIST", "ads.json"))

    started = viewer.start(movie_id)

    assert (started.status, started.json["duration_seconds"]) == (200, 4)
    playlist = httpx.get(started.json["manifest_url"]).text
    assert "DATERANGE" not in playlist
    assert playlist.count("X-Amz-Signature") == 1
    (told,) = [each for each in caplog.records if "a rendition is missing" in each.getMessage()]
    assert vars(told)["path"] == "ads.json"


@pytest.mark.parametrize("attribute", ["X-ASSET-URI", "X-ASSET-LIST"])
def test_interstitials_of_any_length(stack: Stack, viewer: Viewer, attribute: str) -> None:
    """An interstitial of an hour is the variant of an embedded playlist: no query is appended."""
    movie_id = uuid4()
    put_manifest(stack, movie_id, asset(2000), "ad.m3u8")
    assets = {"ASSETS": [{"URI": "ad.m3u8", "DURATION": 4000}]}
    put_manifest(stack, movie_id, json.dumps(assets).encode(), "ads.json")
    is_list = attribute == "X-ASSET-LIST"
    put_manifest(stack, movie_id, interstitial(attribute, "ads.json" if is_list else "ad.m3u8"))

    started = viewer.start(movie_id)

    playlist = httpx.get(started.json["manifest_url"]).text
    multivariant = embedded(embedded(playlist)) if is_list else embedded(playlist)
    (variant,) = [line for line in multivariant.splitlines() if line.startswith("http")]
    assert httpx.get(variant).text.count("X-Amz-Signature") == 2000
    assert len(playlist) < 8 * 1024
    assert started.json["duration_seconds"] == 4


def test_many_interstitials_exceed_the_limit(stack: Stack, viewer: Viewer) -> None:
    """What is embedded counts for the limit of the film, each time that it is embedded."""
    movie_id = uuid4()
    put_manifest(stack, movie_id, asset(200), "ad.m3u8")
    line = interstitial("X-ASSET-URI", "ad.m3u8").splitlines(keepends=True)
    breaks = b"".join(each for each in line if b"DATERANGE" in each) * 1000
    put_manifest(stack, movie_id, TS_FILM.replace(b"#EXTINF", breaks + b"#EXTINF"))

    refused = replace(viewer, send=patient_request).start(movie_id)

    assert (refused.status, refused.json["code"]) == (502, "film_unplayable")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_json_in_any_encoding(stack: Stack, viewer: Viewer, encoding: str) -> None:
    """The URLs in JSON are signed although its titles are in Latin-1, which players tolerate."""
    movie_id = uuid4()
    line = b'#EXT-X-SESSION-DATA:DATA-ID="com.example.chapters",URI="chapters.json"\n'
    put_manifest(stack, movie_id, MASTER.replace(b"#EXTM3U\n", b"#EXTM3U\n" + line))
    for name in ("v/index.m3u8", "large/index.m3u8"):
        put_manifest(stack, movie_id, TS_FILM, name)
    chapters = '[{"title": "Caf\xe9", "image-url": "caf.jpg"}]'.encode(encoding)
    put_manifest(stack, movie_id, chapters, "chapters.json")

    master = httpx.get(viewer.start(movie_id).json["manifest_url"]).text
    (url,) = re.findall('URI="([^"]*)"', master)

    (chapter,) = json.loads(httpx.get(url).content.decode("utf-8-sig"))
    assert "/caf.jpg?X-Amz-" in chapter["image-url"]
    assert chapter["title"] == ("Caf\ufffd" if encoding == "latin-1" else "Caf\xe9")


def test_film_of_many_queries_is_refused(stack: Stack, viewer: Viewer) -> None:
    """A long playlist with four hundred queries exceeds the film's limit, with a clear error."""
    movie_id = uuid4()
    variants = [f"#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8?{each}\n" for each in range(400)]
    put_manifest(stack, movie_id, f"#EXTM3U\n{''.join(variants)}".encode())
    segments = "".join(f"#EXTINF:2,\n{number}.ts\n" for number in range(5000))
    put_manifest(stack, movie_id, f"#EXTM3U\n{segments}".encode(), "v.m3u8")

    refused = replace(viewer, send=patient_request).start(movie_id)

    assert (refused.status, refused.json["code"]) == (502, "film_unplayable")


def test_film_of_endless_length_starts(stack: Stack, viewer: Viewer) -> None:
    """An impossible length is treated as unknown."""
    movie_id = uuid4()
    put_manifest(
        stack,
        movie_id,
        TS_FILM.replace(b"#EXTINF:4", b"#EXTINF:999999999") * 1
        + b"#EXTINF:999999999,\na.ts\n#EXTINF:999999999,\nb.ts\n",
    )

    started = viewer.start(movie_id)

    assert (started.status, started.json["duration_seconds"]) == (200, None)


def test_name_that_the_store_refuses(stack: Stack, viewer: Viewer) -> None:
    """An invalid object name of a nested playlist is an error of the film."""
    movie_id = uuid4()
    name = "x" * 1020
    put_manifest(stack, movie_id, f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{name}\n".encode())

    refused = viewer.start(movie_id)

    assert (refused.status, refused.json["code"]) == (502, "film_unplayable")


DASH_FILM = (
    '<AdaptationSet contentType="video"><Representation id="v" bandwidth="1">'
    '<SegmentTemplate media="$Number$.m4s" duration="2"/></Representation></AdaptationSet>'
)
REMOTE_MPD = (
    '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:xlink="http://www.w3.org/1999/xlink"'
    ' type="static"><Period duration="PT12S">{}</Period>{}</MPD>'
)


@pytest.mark.parametrize(
    "period",
    [
        '<Period xlink:href="{}" xlink:actuate="onLoad"/>',
        '<Period xlink:href="{}" xlink:actuate="onLoad"><BaseURL>ads/</BaseURL></Period>',
        '<Period xlink:href="{}">' + DASH_FILM + "</Period>",
        '<Period><AdaptationSet xlink:href="{}"/></Period>',
        '<Period><EventStream xlink:href="{}"/></Period>',
    ],
    ids=["slot", "empty slot", "slot with content", "adaptation set", "events"],
)
@pytest.mark.parametrize("remote", [None, b"<html>gone", f"<Period>{DASH_FILM}</Period>".encode()])
def test_remote_element_that_cannot_be_signed(
    stack: Stack,
    viewer: Viewer,
    caplog: pytest.LogCaptureFixture,
    period: str,
    remote: bytes | None,
) -> None:
    """A film plays without a remote element that is missing, broken or of unknown length."""
    movie_id = uuid4()
    body = REMOTE_MPD.format(DASH_FILM, period.format("ad.xml"))
    put_manifest(stack, movie_id, body.encode(), "index.mpd")
    if remote is not None:
        put_manifest(stack, movie_id, remote, "ad.xml")

    started = viewer.start(movie_id, {"manifest_type": "dash"})

    assert (started.status, started.json["duration_seconds"]) == (200, 12)
    copy = httpx.get(started.json["manifest_url"]).text
    assert copy.count("<SegmentURL") == copy.count("X-Amz-Signature") == 6
    assert "xlink:href" not in copy
    (told,) = [each for each in caplog.records if "a rendition is missing" in each.getMessage()]
    assert vars(told)["path"] == "ad.xml"


def test_chained_film(stack: Stack, viewer: Viewer) -> None:
    """A film's duration is that of its own MPD; the URLs of a longer chained one last as long."""
    movie_id = uuid4()
    mpd = (
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" mediaPresentationDuration="PT{}S">{}<Period>'
        '<AdaptationSet><Representation id="v"><BaseURL>v.mp4</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>"
    )
    chain = '<SupplementalProperty schemeIdUri="urn:mpeg:dash:chaining:2016" value="feature.mpd"/>'
    put_manifest(stack, movie_id, mpd.format(10, chain).encode(), "index.mpd")
    put_manifest(stack, movie_id, mpd.format(86_400, "").encode(), "feature.mpd")

    started = viewer.start(movie_id, {"manifest_type": "dash"}).json

    (url,) = re.findall('value="([^"]*)"', httpx.get(started["manifest_url"]).text)
    feature = httpx.get(unescape(url)).text
    life = int(re.findall("X-Amz-Expires=([0-9]+)", feature)[0])
    assert started["duration_seconds"] == 10
    assert life > 86_400
