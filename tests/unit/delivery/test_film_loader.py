"""A film is refused as soon as it exceeds its limits, before the rest of it is read."""

import pytest

from streaming.delivery.film_loader import load_film
from streaming.domain.errors import FilmUnplayable
from streaming.manifests.references import FilmLocation

LOCATION = FilmLocation(("https://s3.example/vod/movies/m1/",))


class Bucket:
    """A bucket whose film has one body for all its renditions, and that counts reads."""

    def __init__(self, master: bytes, rendition: bytes) -> None:
        self._master = master
        self._rendition = rendition
        self.reads = 0

    def read(self, key: str, largest: int) -> bytes:
        """Return the master or a rendition."""
        assert largest >= len(self._rendition)
        self.reads += 1
        return self._master if key.endswith("index.m3u8") else self._rendition


def film(renditions: int, segments: int) -> Bucket:
    """Return a film of that many renditions, each of that many segments."""
    variants = "".join(
        f"#EXT-X-STREAM-INF:BANDWIDTH={each + 1}\nv{each}.m3u8\n" for each in range(renditions)
    )
    lines = "".join(f"#EXTINF:2,\nsegment_{each:05}.ts\n" for each in range(segments))
    return Bucket(f"#EXTM3U\n{variants}".encode(), f"#EXTM3U\n{lines}".encode())


def test_many_long_playlists() -> None:
    """450 playlists of 9,000 segments, each below every limit, are refused after a few of them."""
    bucket = film(450, 9000)

    with pytest.raises(FilmUnplayable):
        load_film(bucket, "movies/m1/", "hls", LOCATION)

    # A signed playlist has over 4.5 MB and the film 96 MB; eight are read at a time.
    assert bucket.reads < 1 + 96 / 4.5 + 2 * 8


def test_a_long_film_of_many_renditions_plays() -> None:
    """A film of five hours in four renditions is within the limits."""
    loaded = load_film(film(4, 9000), "movies/m1/", "hls", LOCATION)

    assert loaded.duration_seconds == 18_000
    assert len(loaded.copies) == 5
