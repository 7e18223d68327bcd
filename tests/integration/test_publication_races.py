"""Concurrent publications: with each other, with an invalidation, with expired claims."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from redis import Redis

from local.stack import Stack
from streaming.cache.client import Cache
from streaming.composition import environment as composition
from streaming.config.cache import CacheSettings
from streaming.delivery.lifetime import SigningLifetime
from streaming.delivery.publisher import Publisher
from streaming.delivery.registry import Claim, CopyEntry, CopyRegistry, Published
from streaming.delivery.signed_copies import SignedCopies
from streaming.delivery.windows import Window
from streaming.domain.errors import StorageUnavailable
from streaming.domain.films import ManifestType
from streaming.resilience.deadline import within
from streaming.storage.bucket import FilmBucket

NOW = datetime(2026, 1, 3, 12, 55, tzinfo=UTC)
LATER = datetime(2026, 1, 3, 13, 0, 1, tzinfo=UTC)
WINDOW = 3600
AWAIT_SECONDS = 30


class HeldBucket:
    """The film bucket, which holds one write of a copy until it is released."""

    def __init__(self, bucket: FilmBucket) -> None:
        self._bucket = bucket
        self.has_read = Event()
        self.may_write = Event()

    def read(self, key: str, largest: int) -> bytes:
        """Read."""
        return self._bucket.read(key, largest)

    def write(
        self, key: str, body: bytes, *, content_type: str, content_encoding: str, max_age: int
    ) -> None:
        """Write, once that is allowed."""
        self.has_read.set()
        assert self.may_write.wait(AWAIT_SECONDS)
        self._bucket.write(
            key,
            body,
            content_type=content_type,
            content_encoding=content_encoding,
            max_age=max_age,
        )


class WatchedRegistry(CopyRegistry):
    """A registry that records how long a caller intended to wait for another.

    ``before_claim`` and ``after_find`` run once, between two steps.
    """

    def __init__(self, cache: Cache) -> None:
        super().__init__(cache)
        self.waited: list[float] = []
        self.before_claim: list[Callable[[], object]] = []
        self.after_find: list[Callable[[], object]] = []

    def find(self, entry: CopyEntry) -> Published | None:
        """Find, and then run the callback."""
        published = super().find(entry)
        if self.after_find:
            self.after_find.pop()()
        return published

    def claim(self, entry: CopyEntry) -> Claim | None:
        """Run the callback first, and then claim."""
        if self.before_claim:
            self.before_claim.pop()()
        return super().claim(entry)

    def await_other(self, entry: CopyEntry, seconds: float) -> Published | None:
        """Record and wait."""
        self.waited.append(seconds)
        return super().await_other(entry, seconds)


class Environment:
    """Delivery as in one execution environment, with a bucket that can hold a write."""

    def __init__(
        self, parts: composition.Environment, environment: dict[str, str], signing_id: str
    ) -> None:
        self._storage = parts.film_bucket
        self.bucket = HeldBucket(self._storage)
        self.registry = WatchedRegistry(Cache(CacheSettings.from_environment(environment)))
        signer = parts.signer_of(parts.read_signing_key())
        publisher = Publisher(self.bucket, signer, signing_id, (signer.bucket_url,))
        self.copies = SignedCopies(
            signer=signer,
            lifetime=SigningLifetime(),
            signing_id=signing_id,
            registry=self.registry,
            publisher=lambda: publisher,
            expires_in=3600,
            window_seconds=WINDOW,
        )

    def playlist(self, movie_id: UUID, now: datetime = NOW) -> str:
        """Start a film; return the playlist at the viewer's URL."""
        path = urlsplit(self.copies.playable(movie_id, "hls", now).manifest_url).path
        return self._storage.read(path.removeprefix("/vod/"), 10**6).decode()


class Scene:
    """A film, and environments that share a signing key."""

    def __init__(
        self, stack: Stack, parts: composition.Environment, environment: dict[str, str]
    ) -> None:
        self._stack = stack
        self._parts = parts
        self._environment = environment
        self.signing_id = f"race{uuid4().hex[:8]}"
        self.movie_id = uuid4()
        self.put("old.ts")

    def put(self, segment: str) -> None:
        """Replace the film by one with that segment."""
        body = f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{segment}\n#EXT-X-ENDLIST\n"
        key = f"movies/{self.movie_id}/index.m3u8"
        self._stack.s3.admin_client.put_object(Bucket="vod", Key=key, Body=body.encode())

    def environment(self, *, held: bool = False) -> Environment:
        """Build an environment; with ``held`` its writes wait."""
        made = Environment(self._parts, self._environment, self.signing_id)
        if not held:
            made.bucket.may_write.set()
        return made

    def entry(self, manifest_type: ManifestType = "hls") -> CopyEntry:
        """Return the entry of the present window."""
        return CopyEntry(self.movie_id, manifest_type, Window.at(NOW, WINDOW), self.signing_id)

    @property
    def redis(self) -> Redis:
        """A connection to Redis."""
        return Redis(self._environment["REDIS_HOST"], int(self._environment["REDIS_PORT"]))


@pytest.fixture
def scene(stack: Stack, parts: composition.Environment, environment: dict[str, str]) -> Scene:
    """A film and its environments."""
    return Scene(stack, parts, environment)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for concurrent calls."""
    with ThreadPoolExecutor(4) as threads:
        yield threads


def test_invalidation_wins_over_a_start_in_flight(scene: Scene, pool: ThreadPoolExecutor) -> None:
    """A start that has read the old film does not store it for anyone, including its own viewer."""
    slow = scene.environment(held=True)
    in_flight: Future[str] = pool.submit(slow.playlist, scene.movie_id)
    assert slow.bucket.has_read.wait(AWAIT_SECONDS)
    scene.put("new.ts")
    scene.environment().copies.republish(scene.movie_id, NOW)
    assert "new.ts" in scene.environment().playlist(scene.movie_id)

    slow.bucket.may_write.set()

    assert "new.ts" in in_flight.result(AWAIT_SECONDS)
    assert "new.ts" in scene.environment().playlist(scene.movie_id)
    assert "new.ts" in slow.playlist(scene.movie_id)


def test_invalidation_wins_over_a_renewal_in_flight(scene: Scene, pool: ThreadPoolExecutor) -> None:
    """A renewal that has read the old film does not publish it for the next window."""
    slow = scene.environment(held=True)
    in_flight = pool.submit(slow.copies.renew, scene.movie_id, "hls", NOW)
    assert slow.bucket.has_read.wait(AWAIT_SECONDS)
    scene.put("new.ts")
    scene.environment().copies.republish(scene.movie_id, NOW)

    slow.bucket.may_write.set()

    assert in_flight.result(AWAIT_SECONDS)
    assert "new.ts" in scene.environment().playlist(scene.movie_id, LATER)


def test_later_invalidation_wins_over_one_in_flight(scene: Scene, pool: ThreadPoolExecutor) -> None:
    """After two concurrent invalidations the film of the later one is used."""
    slow = scene.environment(held=True)
    scene.put("newer.ts")
    in_flight = pool.submit(slow.copies.republish, scene.movie_id, NOW)
    assert slow.bucket.has_read.wait(AWAIT_SECONDS)
    scene.put("newest.ts")
    scene.environment().copies.republish(scene.movie_id, NOW)

    slow.bucket.may_write.set()
    in_flight.result(AWAIT_SECONDS)

    assert "newest.ts" in scene.environment().playlist(scene.movie_id)


def test_copy_stored_before_is_replaced(scene: Scene) -> None:
    """An invalidation replaces earlier publications, in all environments."""
    first, second = scene.environment(), scene.environment()
    assert "old.ts" in first.playlist(scene.movie_id)
    assert "old.ts" in second.playlist(scene.movie_id)
    scene.put("new.ts")

    first.copies.republish(scene.movie_id, NOW)

    assert "new.ts" in first.playlist(scene.movie_id)
    assert "new.ts" in second.playlist(scene.movie_id)


def claimed(claim: Claim | None) -> Claim:
    """Return a granted claim."""
    assert claim is not None
    return claim


def test_claim_is_released_by_its_owner_alone(scene: Scene) -> None:
    """A holder that was too slow does not release the claim that another has got meanwhile."""
    slow, quick, third = (scene.environment().registry for _ in range(3))
    entry = scene.entry()
    ran_out = claimed(slow.claim(entry))
    scene.redis.delete(entry.lock_key)
    held = claimed(quick.claim(entry))

    slow.release(ran_out)

    assert third.claim(entry) is None
    quick.release(held)
    assert third.claim(entry) is not None


def test_claim_runs_out(scene: Scene) -> None:
    """A claim expires after its holder was killed."""
    entry = scene.entry()
    claimed(scene.environment().registry.claim(entry))

    assert 0 < scene.redis.ttl(entry.lock_key) <= 15


def test_copy_that_came_before_the_claim(scene: Scene) -> None:
    """A claim directly after another publication does not publish again."""
    quick, late = scene.environment(), scene.environment()
    late.registry.before_claim.append(lambda: quick.playlist(scene.movie_id))

    assert "old.ts" in late.playlist(scene.movie_id)

    assert not late.bucket.has_read.is_set()


def test_renewal_that_came_before_the_claim(scene: Scene) -> None:
    """Of two concurrent renewals the later one finds the copy of the first."""
    quick, late = scene.environment(), scene.environment()
    late.registry.before_claim.append(lambda: quick.copies.renew(scene.movie_id, "hls", NOW))

    assert not late.copies.renew(scene.movie_id, "hls", NOW)

    assert quick.bucket.has_read.is_set()
    assert not late.bucket.has_read.is_set()


def test_copy_that_came_while_it_was_looked_for(scene: Scene) -> None:
    """A waiter finds the copy, even if it is published directly after the look-up."""
    owner, waiting = scene.environment().registry, scene.environment().registry
    entry, published = scene.entry(), Published(4, "")
    claim = claimed(owner.claim(entry))

    def publish() -> None:
        owner.set(entry, published, WINDOW)
        owner.release(claim)

    waiting.after_find.append(publish)

    assert waiting.await_other(entry, AWAIT_SECONDS) == published


@pytest.mark.time_limits
@pytest.mark.parametrize(("left_seconds", "at_most"), [(2, 1.0), (0.6, 0.3), (60, 1.5)])
def test_waiting_leaves_time_to_publish(scene: Scene, left_seconds: float, at_most: float) -> None:
    """A waiter waits for at most half of the request's remaining time, and then publishes."""
    claimed(scene.environment().registry.claim(scene.entry()))
    waiting = scene.environment()

    # On a busy machine the time may have expired before the film is read.
    with suppress(StorageUnavailable), within(left_seconds, computing_seconds=AWAIT_SECONDS):
        waiting.copies.playable(scene.movie_id, "hls", NOW)

    (seconds,) = waiting.registry.waited
    assert 0 <= seconds <= at_most
