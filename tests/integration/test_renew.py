"""Renewing copies: a faulty film does not prevent the renewal of others."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from local.stack import Stack
from streaming.composition.environment import Environment
from streaming.config.database import DatabaseSettings
from streaming.delivery.lifetime import SigningLifetime
from streaming.delivery.publisher import Publisher
from streaming.delivery.registry import CopyRegistry
from streaming.delivery.signed_copies import SignedCopies
from streaming.delivery.windows import Window
from streaming.domain import clock
from streaming.domain.errors import FilmUnplayable, MovieNotFound, StorageUnavailable
from streaming.domain.films import ManifestType
from streaming.domain.identifiers import uuid7
from streaming.repository.cache_trust import CacheTrustRecord
from streaming.repository.database import Database
from streaming.repository.films import Films
from streaming.resilience.cache_trust import CacheTrust
from streaming.usecases.housekeeping.check_films import CheckFilms
from streaming.usecases.housekeeping.renew_copies import RenewCopies
from tests.conftest import Rows

FILM = b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n1.ts\n#EXT-X-ENDLIST\n"
# Long after all starts of other tests, whose films are not in use at that time.
NEAR_THE_END = datetime(2126, 1, 2, 12, 55, tzinfo=UTC)
STARTED = """
    INSERT INTO stream_sessions (
        id, user_id, movie_id, manifest_type, started_at, last_heartbeat_at, ended_at
    )
    VALUES (:id, gen_random_uuid(), :movie_id, 'hls', :at, :at, :at)
"""


class FailingPublisher:
    """A real publisher, except for the films in ``failures``."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self.failures: dict[UUID, Exception] = {}
        self.asked: list[UUID] = []

    def publish(
        self,
        movie_id: UUID,
        manifest_type: ManifestType,
        window: Window,
        edition: str,
        until: datetime | None,
    ) -> int | None:
        """Publish or fail."""
        self.asked.append(movie_id)
        if movie_id in self.failures:
            raise self.failures[movie_id]
        return self._publisher.publish(movie_id, manifest_type, window, edition, until)


@pytest.fixture
def publisher(parts: Environment) -> FailingPublisher:
    """The functions' publisher."""
    signer = parts.signer_of(parts.read_signing_key())
    return FailingPublisher(Publisher(parts.film_bucket, signer, "renew", (signer.bucket_url,)))


@pytest.fixture
def delivery(parts: Environment, publisher: FailingPublisher) -> SignedCopies:
    """Delivery with a separate key, so that it ignores the copies of other tests."""
    return SignedCopies(
        signer=parts.signer_of(parts.read_signing_key()),
        lifetime=SigningLifetime(),
        signing_id=f"renew{uuid4().hex[:8]}",
        registry=CopyRegistry(parts.redis_cache),
        publisher=lambda: publisher,
        expires_in=3600,
        window_seconds=3600,
    )


@pytest.fixture
def database(stack: Stack) -> Iterator[Database]:
    """A connection to PostgreSQL."""
    database = Database(DatabaseSettings(stack.environment["DATABASE_URL"]))
    yield database
    database.close()


@pytest.fixture
def films(stack: Stack, rows: Rows) -> Iterator[list[UUID]]:
    """Five films in use, the most started first."""
    movie_ids = [uuid4() for _ in range(5)]
    for place, movie_id in enumerate(movie_ids):
        key = f"movies/{movie_id}/index.m3u8"
        stack.s3.admin_client.put_object(Bucket="vod", Key=key, Body=FILM)
        for _ in range(len(movie_ids) - place):
            at = NEAR_THE_END - timedelta(minutes=5)
            rows(STARTED, id=uuid7(clock.milliseconds(at)), movie_id=movie_id, at=at)
    yield movie_ids
    for movie_id in movie_ids:
        rows("DELETE FROM stream_sessions WHERE movie_id = :movie_id", movie_id=movie_id)


@pytest.mark.parametrize(
    "failure",
    [StorageUnavailable("it took too long"), FilmUnplayable("too large"), MovieNotFound("gone")],
    ids=lambda failure: failure.code,
)
def test_bad_films_keep_no_other_from_being_renewed(
    database: Database,
    delivery: SignedCopies,
    publisher: FailingPublisher,
    films: list[UUID],
    failure: Exception,
) -> None:
    """Two failing films come first, the others are renewed; the next run skips the two."""
    publisher.failures = {films[0]: failure, films[1]: failure}
    renew = RenewCopies(Films(database), delivery)

    renewed = renew(NEAR_THE_END, 10)
    again = renew(NEAR_THE_END + timedelta(minutes=1), 10)

    assert (renewed, again) == (3, 0)
    assert publisher.asked == films


def test_storage_that_is_away_is_left_alone(
    database: Database, delivery: SignedCopies, publisher: FailingPublisher, films: list[UUID]
) -> None:
    """After three unreadable films in a row the run ends; the next begins behind them."""
    publisher.failures = dict.fromkeys(films[:3], StorageUnavailable("it is away"))
    renew = RenewCopies(Films(database), delivery)

    assert renew(NEAR_THE_END, 10) == 0
    assert publisher.asked == films[:3]
    assert renew(NEAR_THE_END, 10) == 2
    assert publisher.asked == films


def test_bug_in_one_film_shows_at_the_end(
    database: Database, delivery: SignedCopies, publisher: FailingPublisher, films: list[UUID]
) -> None:
    """An unexpected error fails the task, after the other films are renewed."""
    publisher.failures = {films[0]: ZeroDivisionError("a bug")}

    with pytest.raises(ExceptionGroup) as raised:
        RenewCopies(Films(database), delivery)(NEAR_THE_END, 10)

    assert [type(each) for each in raised.value.exceptions] == [ZeroDivisionError]
    assert publisher.asked == films


def test_invalidation_has_a_failed_film_tried_again(
    database: Database, delivery: SignedCopies, publisher: FailingPublisher, films: list[UUID]
) -> None:
    """After the invalidation of a film that could not be renewed, the next run renews it."""
    publisher.failures = {films[0]: FilmUnplayable("too large")}
    renew = RenewCopies(Films(database), delivery)
    assert renew(NEAR_THE_END, 10) == 4

    publisher.failures = {}
    assert delivery.republish(films[0], NEAR_THE_END) == ["hls"]

    assert renew(NEAR_THE_END, 10) == 1


def test_one_bad_form_keeps_no_other_from_being_invalidated(
    stack: Stack, delivery: SignedCopies, films: list[UUID]
) -> None:
    """If a film's HLS manifest cannot be signed, its DASH manifest is still published again."""
    client = stack.s3.admin_client
    folder = f"movies/{films[0]}"
    client.put_object(Bucket="vod", Key=f"{folder}/index.m3u8", Body=b"no playlist")
    mpd = (
        b'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
        b' mediaPresentationDuration="PT%dS"><Period><AdaptationSet><Representation id="1">'
        b"<BaseURL>film.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"
    )
    client.put_object(Bucket="vod", Key=f"{folder}/index.mpd", Body=mpd % 4)
    assert delivery.playable(films[0], "dash", NEAR_THE_END).duration_seconds == 4
    client.put_object(Bucket="vod", Key=f"{folder}/index.mpd", Body=mpd % 8)

    with pytest.raises(FilmUnplayable):
        delivery.republish(films[0], NEAR_THE_END)

    assert delivery.playable(films[0], "dash", NEAR_THE_END).duration_seconds == 8


def test_film_that_cannot_be_looked_for_keeps_no_other(
    database: Database, films: list[UUID]
) -> None:
    """If the storage does not respond for one film, the others are checked."""
    record = Films(database)
    now = datetime(2020, 1, 1, tzinfo=UTC)
    for movie_id in films:
        record.keep(movie_id, 4, now)
    asked: list[UUID] = []

    def is_there(movie_id: UUID) -> bool:
        asked.append(movie_id)
        if movie_id == films[0]:
            raise StorageUnavailable("not for this one")
        return True

    CheckFilms(record, is_there, CacheTrustRecord(database, CacheTrust()))(
        now + timedelta(hours=2), 10
    )

    assert set(films) <= set(asked)
    due = record.find_due(now + timedelta(minutes=1), 200)
    assert films[0] in due
    assert not set(films[1:]) & set(due)
    record.mark(films[0], now + timedelta(hours=2), is_there=True)
