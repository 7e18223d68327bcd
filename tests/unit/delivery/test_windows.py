"""Time windows, and the validity of URLs signed in them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.delivery.lifetime import SigningLifetime
from streaming.delivery.windows import Window
from streaming.domain.errors import StorageUnavailable

moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
lengths = st.integers(1, 86400)


@given(moments, lengths)
def test_a_moment_is_in_its_window(moment: datetime, length: int) -> None:
    """Windows cover all time without gap or overlap."""
    window = Window.at(moment, length)

    assert window.begins_at <= moment < window.begins_at + window.length
    assert Window.at(window.begins_at, length) == window
    assert Window.at(window.begins_at + window.length, length) == window.next
    assert window.name < window.next.name


@given(moments, lengths, st.floats(0, 30 * 3600))
def test_urls_outlive_the_film(moment: datetime, length: int, duration: float) -> None:
    """A start at a window's end can watch one and a half times the film, and pause an hour."""
    window = Window.at(moment, length)
    dies = window.begins_at + timedelta(seconds=window.signature_life(duration))
    last_start = window.begins_at + window.length

    wanted = last_start + timedelta(seconds=int(1.5 * duration), hours=1)
    assert dies >= min(wanted, window.begins_at + timedelta(days=7)) - timedelta(seconds=1)
    assert window.signature_life(duration) <= 7 * 24 * 3600


@given(moments, st.integers(1, 604800), st.integers(-1000, 100000))
def test_expires_in_is_honest(now: datetime, asked: int, left: int) -> None:
    """No URL's stated lifetime exceeds the requested one or the signing key's."""
    key = SigningLifetime(now + timedelta(seconds=left))

    assert SigningLifetime().expires_in(asked, now) == asked
    if left > 0:
        assert key.expires_in(asked, now) == min(asked, left)
    else:
        with pytest.raises(StorageUnavailable):
            key.expires_in(asked, now)
