"""Delivery of the film's own manifest."""

from datetime import timedelta
from uuid import uuid4

import pytest

from streaming.delivery.direct import DirectDelivery
from streaming.delivery.lifetime import SigningLifetime
from streaming.delivery.presence import FilmPresence
from streaming.domain.errors import MovieNotFound, StorageUnavailable
from tests.unit.delivery.films import NOW, PLAYLIST, SIGNER, Site, expires_at


def direct(site: Site) -> DirectDelivery:
    """Return the delivery of the films of ``site``."""
    return DirectDelivery(SIGNER, site.lifetime, lambda: site.bucket, 3600)


def test_the_own_manifest_is_presigned() -> None:
    """The URL leads to the film's own manifest, and expires as stated; nothing is written."""
    site = Site(lifetime=SigningLifetime(NOW + timedelta(minutes=10)))
    movie_id = site.film()

    film = direct(site).playable(movie_id, "hls", NOW)

    assert site.at(film.manifest_url) == PLAYLIST.decode()
    assert (film.expires_in, film.duration_seconds) == (600, None)
    assert expires_at(film.manifest_url) == NOW + timedelta(minutes=10)
    assert site.published == []


def test_nothing_to_renew() -> None:
    """There are no windows and no copies, so Redis is not read."""
    site = Site()
    movie_id, delivery = site.film(), direct(site)

    assert not delivery.ends_soon(NOW)
    assert not delivery.renew(movie_id, "hls", NOW)
    assert delivery.cache_keys(movie_id, "hls", NOW) == ()


def test_the_forms_of_a_film() -> None:
    """A replaced film has the manifest types that are in the bucket."""
    site = Site()
    movie_id = uuid4()
    site.put(movie_id, "index.m3u8", PLAYLIST)

    assert direct(site).republish(movie_id, NOW) == ["hls"]
    with pytest.raises(MovieNotFound):
        direct(site).playable(movie_id, "dash", NOW)


def test_no_film() -> None:
    """A missing film is not found; a bucket that does not answer is not a missing film."""
    site = Site()
    presence = FilmPresence(lambda: site.bucket)
    with pytest.raises(MovieNotFound):
        direct(site).republish(uuid4(), NOW)
    assert presence(site.film())
    assert not presence(uuid4())

    site.bucket.is_down = True
    with pytest.raises(StorageUnavailable):
        presence(uuid4())
