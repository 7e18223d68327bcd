"""Delivery with a temporary key that is replaced before it expires."""

from datetime import datetime, timedelta

import pytest

from streaming.delivery.lifetime import SigningLifetime
from streaming.delivery.protocol import Delivery
from streaming.delivery.renewed_key import RenewedKey
from streaming.domain.errors import StorageUnavailable
from tests.unit.delivery.films import NOW, Site

HOUR = timedelta(hours=1)


class Keys:
    """The keys of a role: each expires an hour after it was read, while they can be read."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.now = NOW
        self.read = 0
        self.is_down = False

    def build(self) -> tuple[Delivery, SigningLifetime]:
        """Read the key."""
        if self.is_down:
            raise StorageUnavailable("the key cannot be read")
        self.read += 1
        return self._site.copies, SigningLifetime(self.now + HOUR)

    def at(self, now: datetime) -> datetime:
        """Set and return the time."""
        self.now = now
        return now


def test_the_key_is_read_by_the_first_start() -> None:
    """An environment that was restored from a snapshot reads its own key."""
    site = Site()
    keys, movie_id = Keys(site), site.film()
    delivery = RenewedKey(keys.build)

    assert delivery.cache_keys(movie_id, "hls", NOW) == ()
    assert keys.read == 0
    delivery.playable(movie_id, "hls", NOW)
    delivery.playable(movie_id, "hls", NOW)

    assert keys.read == 1
    assert delivery.cache_keys(movie_id, "hls", NOW) == site.copies.cache_keys(movie_id, "hls", NOW)


def test_the_key_is_replaced_before_it_expires() -> None:
    """Five minutes before its expiry another key is read."""
    site = Site()
    keys, movie_id = Keys(site), site.film()
    delivery = RenewedKey(keys.build)
    delivery.playable(movie_id, "hls", NOW)

    delivery.renew(movie_id, "hls", keys.at(NOW + timedelta(minutes=54)))
    assert keys.read == 1
    assert delivery.republish(movie_id, keys.at(NOW + timedelta(minutes=55))) == ["hls", "dash"]
    assert keys.read == 2


def test_a_key_that_cannot_be_replaced(caplog: pytest.LogCaptureFixture) -> None:
    """The old key is used until it expires."""
    site = Site()
    keys, movie_id = Keys(site), site.film()
    delivery = RenewedKey(keys.build)
    delivery.playable(movie_id, "hls", NOW)
    keys.is_down = True

    assert delivery.ends_soon(NOW + timedelta(minutes=56)) == site.copies.ends_soon(
        NOW + timedelta(minutes=56)
    )
    assert "cannot be replaced yet" in caplog.text
    with pytest.raises(StorageUnavailable):
        delivery.playable(movie_id, "hls", NOW + HOUR)
