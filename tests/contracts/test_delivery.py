"""Tests that films are delivered and found in the bucket."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from local import demo
from local.stack import Stack
from streaming.composition.environment import Environment
from streaming.delivery.presence import FilmPresence
from streaming.delivery.protocol import Delivery
from streaming.domain import clock
from streaming.domain.errors import FilmUnplayable, MovieNotFound, StorageUnavailable
from tests.fakes.delivery import MemoryDelivery, StoredFilm
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Films:
    """A valid film in HLS and DASH, and a film in HLS only with a broken manifest."""

    delivery: Delivery
    presence: Callable[[UUID], bool]
    whole: UUID
    broken: UUID
    remove_broken: Callable[[], None]


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.server)])
def films(request: pytest.FixtureRequest) -> Films:
    """Films in memory, or in S3 with signed copies."""
    if request.param == "memory":
        return films_in_memory()
    return films_in_s3(request.getfixturevalue("stack"), request.getfixturevalue("parts"))


def films_in_memory() -> Films:
    """Return films in a fake."""
    whole, broken = uuid4(), uuid4()
    delivery = MemoryDelivery(
        {
            whole: StoredFilm(("hls", "dash"), duration_seconds=60),
            broken: StoredFilm(playable=False),
        }
    )
    presence = FilmPresence(lambda: delivery)
    return Films(delivery, presence, whole, broken, delivery.films.clear)


def films_in_s3(stack: Stack, parts: Environment) -> Films:
    """Return the demo film and a new broken one."""
    broken, client = uuid4(), stack.s3.admin_client
    place = {"Bucket": stack.s3.bucket, "Key": f"movies/{broken}/index.m3u8"}
    client.put_object(**place, Body=b"no playlist")
    delivery, whole = parts.delivery, UUID(demo.DEMO_MOVIE_ID)

    def is_warm() -> bool:
        # On a busy machine the first call may exceed its time budget.
        try:
            return bool(delivery.playable(whole, "dash", clock.now()))
        except StorageUnavailable:
            return False

    eventually(is_warm)
    return Films(
        delivery,
        parts.film_presence,
        whole,
        broken,
        lambda: client.delete_object(**place),
    )


def test_a_film(films: Films) -> None:
    """Each manifest type has a URL that expires, and the film's length is known."""
    hls = films.delivery.playable(films.whole, "hls", clock.now())
    dash = films.delivery.playable(films.whole, "dash", clock.now())
    assert hls.manifest_url != dash.manifest_url
    assert min(hls.expires_in, dash.expires_in) > 0
    assert hls.duration_seconds == dash.duration_seconds
    assert hls.duration_seconds
    assert films.presence(films.whole)


def test_the_forms_of_a_film(films: Films) -> None:
    """Publishing a film again returns its manifest types, and the film is playable afterwards."""
    forms = films.delivery.republish(films.whole, clock.now())
    assert sorted(forms) == ["dash", "hls"]
    assert films.delivery.playable(films.whole, forms[0], clock.now()).duration_seconds


def test_a_film_that_is_not_there(films: Films) -> None:
    """A missing film is not found."""
    missing = uuid4()
    with pytest.raises(MovieNotFound):
        films.delivery.playable(missing, "hls", clock.now())
    with pytest.raises(MovieNotFound):
        films.delivery.republish(missing, clock.now())
    assert not films.presence(missing)


def test_a_film_that_is_broken(films: Films) -> None:
    """A broken film exists, but is not playable; a missing manifest type is not found."""
    with pytest.raises(FilmUnplayable):
        films.delivery.playable(films.broken, "hls", clock.now())
    with pytest.raises(FilmUnplayable):
        films.delivery.republish(films.broken, clock.now())
    with pytest.raises(MovieNotFound):
        films.delivery.playable(films.broken, "dash", clock.now())
    assert films.presence(films.broken)
    films.remove_broken()
    assert not films.presence(films.broken)
