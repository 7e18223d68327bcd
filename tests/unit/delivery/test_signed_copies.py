"""Starts, renewals and replacements of films that are delivered by signed copies."""

from datetime import timedelta
from uuid import uuid4

import pytest

from streaming.delivery.lifetime import SigningLifetime
from streaming.domain.errors import FilmUnplayable, MovieNotFound, StorageUnavailable
from tests.unit.delivery.films import NOW, PLAYLIST, WINDOW_SECONDS, Site, expires_at, uris

LATE = NOW.replace(minute=55)


def test_the_first_start_publishes_the_film() -> None:
    """The URL leads to a playlist whose segments are presigned, and expires as stated."""
    site = Site()
    movie_id = site.film()

    film = site.copies.playable(movie_id, "hls", NOW)

    assert film.duration_seconds == 6
    assert film.expires_in == 3600
    assert expires_at(film.manifest_url) == NOW + timedelta(seconds=3600)
    segments = uris(site.at(film.manifest_url))
    assert [url.partition("?")[0].rpartition("/")[2] for url in segments] == ["a.ts", "b.ts"]
    assert all(f"/movies/{movie_id}/" in url and "X-Amz-Signature=" in url for url in segments)


def test_later_starts_read_nothing() -> None:
    """In one window all starts share one copy, also those in other environments."""
    site = Site()
    movie_id = site.film()
    first = site.copies.playable(movie_id, "hls", NOW)
    reads = len(site.bucket.keys_read)

    again = site.copies.playable(movie_id, "hls", NOW + timedelta(minutes=5))
    elsewhere = site.environment().playable(movie_id, "hls", NOW)

    assert len(site.bucket.keys_read) == reads
    assert len(site.published) == 1
    assert {each.duration_seconds for each in (first, again, elsewhere)} == {6}


def test_the_next_window_has_a_copy_of_its_own() -> None:
    """A start in the next window publishes another copy."""
    site = Site()
    movie_id = site.film()
    site.copies.playable(movie_id, "hls", NOW)

    site.copies.playable(movie_id, "hls", NOW + timedelta(seconds=WINDOW_SECONDS))

    assert len(site.published) == 2


def test_both_manifest_types() -> None:
    """HLS and DASH have copies of their own; the duration is that of the manifest."""
    site = Site()
    movie_id = site.film()

    assert site.copies.playable(movie_id, "hls", NOW).duration_seconds == 6
    dash = site.copies.playable(movie_id, "dash", NOW)

    assert dash.duration_seconds == 7
    assert "v.mp4?X-Amz-" in site.at(dash.manifest_url)


def test_without_redis_a_published_film_starts() -> None:
    """While Redis is down an environment remembers what it has published."""
    site = Site()
    movie_id = site.film()
    site.copies.playable(movie_id, "hls", NOW)
    site.cache.is_down = True
    site.bucket.is_down = True

    assert site.copies.playable(movie_id, "hls", NOW).duration_seconds == 6
    with pytest.raises(StorageUnavailable):
        site.environment().playable(movie_id, "hls", NOW)


def test_a_film_that_is_not_there() -> None:
    """A missing film is not found, and its lock is free for the next attempt."""
    site, movie_id = Site(), uuid4()
    for _ in range(2):
        with pytest.raises(MovieNotFound):
            site.copies.playable(movie_id, "hls", NOW)

    site.put(movie_id, "index.m3u8", PLAYLIST)
    assert site.copies.playable(movie_id, "hls", NOW).duration_seconds == 6


def test_a_publication_by_another_start() -> None:
    """A start that waited for another one's publication uses that copy."""
    site = Site()
    movie_id = site.film()
    site.copies.playable(movie_id, "hls", NOW)
    (key,) = site.copies.cache_keys(movie_id, "hls", NOW)
    site.cache.write(f"{key}:lock", '{"owner": "another"}', timedelta(seconds=15))
    reads = len(site.bucket.keys_read)

    assert site.environment().playable(movie_id, "hls", NOW).duration_seconds == 6
    assert len(site.bucket.keys_read) == reads


def test_temporary_credentials_limit_every_url() -> None:
    """No URL claims to live longer than the key that signs it."""
    dies_at = NOW + timedelta(minutes=30)
    site = Site(lifetime=SigningLifetime(dies_at))
    movie_id = site.film()

    film = site.copies.playable(movie_id, "hls", NOW)

    assert film.expires_in == 1800
    assert expires_at(film.manifest_url) == dies_at
    assert {expires_at(url) for url in uris(site.at(film.manifest_url))} == {dies_at}


def test_dead_credentials_sign_nothing() -> None:
    """With an expired key a start fails, instead of returning a URL that S3 rejects."""
    site = Site(lifetime=SigningLifetime(NOW))

    with pytest.raises(StorageUnavailable):
        site.copies.playable(site.film(), "hls", NOW)
    assert site.published == []


def test_renewal_before_the_end_of_a_window() -> None:
    """In the last ten minutes the next window's copy is published once; earlier none is."""
    site = Site()
    movie_id = site.film()

    assert not site.copies.ends_soon(NOW)
    assert not site.copies.renew(movie_id, "hls", NOW)
    assert site.copies.ends_soon(LATE)
    assert site.copies.renew(movie_id, "hls", LATE)
    assert not site.copies.renew(movie_id, "hls", LATE)

    reads = len(site.bucket.keys_read)
    assert site.copies.playable(movie_id, "hls", LATE + timedelta(minutes=10)).duration_seconds == 6
    assert len(site.bucket.keys_read) == reads


def test_a_short_window_ends_soon_in_its_second_half() -> None:
    """A window shorter than twenty minutes is renewed in its second half."""
    copies = Site().environment(window_seconds=60)

    assert not copies.ends_soon(NOW.replace(second=29))
    assert copies.ends_soon(NOW.replace(second=30))


def test_a_renewal_that_fails_is_postponed() -> None:
    """A broken film is tried once, so that it does not delay the others at each run."""
    site, movie_id = Site(), uuid4()
    site.put(movie_id, "index.m3u8", b"no playlist")

    with pytest.raises(FilmUnplayable):
        site.copies.renew(movie_id, "hls", LATE)
    reads = len(site.bucket.keys_read)
    assert not site.copies.renew(movie_id, "hls", LATE)
    assert len(site.bucket.keys_read) == reads


def test_a_replaced_film() -> None:
    """After a film was replaced, all environments deliver the new one, under another key."""
    site = Site()
    movie_id, elsewhere = site.film(), site.environment()
    before = site.copies.playable(movie_id, "hls", NOW)
    elsewhere.playable(movie_id, "hls", NOW)
    site.put(movie_id, "index.m3u8", PLAYLIST.replace(b"a.ts", b"new.ts"))

    assert site.copies.republish(movie_id, NOW) == ["hls", "dash"]

    for copies in (site.copies, elsewhere):
        film = copies.playable(movie_id, "hls", NOW)
        assert "/new.ts?" in site.at(film.manifest_url)
    assert "/a.ts?" in site.at(before.manifest_url), "running players keep their copy"


def test_a_film_that_is_replaced_while_it_is_published() -> None:
    """A publication that began before the replacement is repeated."""
    site = Site()
    movie_id = site.film()
    publish, others = site.publisher.publish, [site.environment()]

    class Interrupted:
        """A publisher; while it works, the film is replaced."""

        def publish(self, *arguments: object) -> int | None:
            duration = publish(*arguments)  # type: ignore[arg-type]
            if others:
                site.put(movie_id, "index.m3u8", PLAYLIST.replace(b"a.ts", b"new.ts"))
                others.pop().republish(movie_id, NOW)
            return duration

    slow = site.environment(publisher=Interrupted())
    film = slow.playable(movie_id, "hls", NOW)

    assert "/new.ts?" in site.at(film.manifest_url)


def test_a_film_with_one_broken_manifest() -> None:
    """The valid manifest is published before the broken one is reported."""
    site = Site()
    movie_id = site.film()
    site.put(movie_id, "index.mpd", b"no manifest")

    with pytest.raises(FilmUnplayable):
        site.copies.republish(movie_id, NOW)
    assert [key.rpartition("/")[2] for key in site.published] == ["index.m3u8"]


def test_no_film_to_replace() -> None:
    """A film without any manifest is not found."""
    with pytest.raises(MovieNotFound):
        Site().copies.republish(uuid4(), NOW)
