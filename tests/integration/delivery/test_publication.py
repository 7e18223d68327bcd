"""Publishing signed copies: once, in advance, and again."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

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
from tests.integration.delivery.manifests import TS_FILM, put_manifest
from tests.support import plain_http
from tests.support.connections import close_connections
from tests.support.functions import Viewer, event, forget_environment, invoke, request
from tests.support.other_servers import require_embedded_s3
from tests.support.redis_of_stack import client_of
from tests.support.waiting import eventually

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
WINDOW = 3600
SIGNING_ID = "test"


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
    s3 = stack.s3.admin_client
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
    head = stack.s3.admin_client.head_object(Bucket="vod", Key=key)

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
    found = stack.s3.admin_client.list_objects_v2(Bucket="vod", Prefix=prefix)["Contents"]
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
    assert ("remake_00001.ts" in plain_http.get(again).text) is not is_same_window

    payload = event("invalidate")
    payload["pathParameters"]["movie_id"] = str(film)
    answer = request("invalidate", payload)

    assert answer.json["manifest_types"] == ["hls"]
    assert "remake_00001.ts" in plain_http.get(viewer.start(film).json["manifest_url"]).text
    assert first.status == 200


def test_invalidate_deleted_film(stack: Stack, viewer: Viewer, film: UUID) -> None:
    """A film deleted from the bucket is 404 for the invalidation and the next start."""
    assert viewer.start(film).status == 200
    stack.s3.admin_client.delete_object(Bucket="vod", Key=f"movies/{film}/index.m3u8")

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

    playlist = plain_http.get(viewer.start(film).json["manifest_url"]).text

    assert stack.environment["AWS_ACCESS_KEY_ID"] in playlist
    assert stack.environment["S3_ACCESS_KEY"] not in playlist
