"""What a signed copy contains, and how it is stored."""

import gzip
import json
import re
from uuid import UUID, uuid4

import pytest

from streaming.delivery.windows import Window
from streaming.domain.errors import FilmUnplayable, MovieNotFound, StorageUnavailable
from streaming.domain.films import MANIFEST_NAMES, ManifestType
from tests.unit.delivery.films import MASTER, NOW, PLAYLIST, WINDOW_SECONDS, Site, uris

WINDOW = Window.at(NOW, WINDOW_SECONDS)


def publish(site: Site, movie_id: UUID, form: ManifestType = "hls") -> int | None:
    """Publish a film."""
    return site.publisher.publish(movie_id, form, WINDOW, "", None)


def test_nested_playlists() -> None:
    """Each playlist has a copy; the first one refers to the copies, and is written last."""
    site, movie_id = Site(), uuid4()
    site.put(movie_id, "index.m3u8", MASTER)
    site.put(movie_id, "low/index.m3u8", PLAYLIST)
    site.put(movie_id, "high/index.m3u8", PLAYLIST.replace(b":2.5", b":3.5"))

    assert publish(site, movie_id) == 8, "the duration is that of the longest playlist"

    *nested, last = site.published
    assert last.endswith(f"movies/{movie_id}/index.m3u8")
    assert sorted(nested) == sorted(
        key for key in site.published if key.endswith(("low/index.m3u8", "high/index.m3u8"))
    )
    for url in uris(site.at(f"https://vod/{last}?X-Amz-Signature=1")):
        assert [each.rpartition("/")[2] for each in segments(site, url)] == ["a.ts", "b.ts"]


def segments(site: Site, url: str) -> list[str]:
    """Return the paths of the segments in the playlist of a URL."""
    return [each.partition("?")[0] for each in uris(site.at(url))]


@pytest.mark.parametrize(
    ("form", "content_type"),
    [("hls", "application/vnd.apple.mpegurl"), ("dash", "application/dash+xml")],
)
def test_how_a_copy_is_stored(form: ManifestType, content_type: str) -> None:
    """A copy is compressed, has its media type, and may be cached for its window."""
    site = Site()
    publish(site, site.film(), form)

    (key,) = site.published
    stored = site.bucket.objects[key]
    assert stored.content_type == content_type
    assert stored.content_encoding == "gzip"
    assert stored.max_age == WINDOW_SECONDS


def test_concurrent_publications_write_the_same_bytes() -> None:
    """Publishing a film twice in a window changes nothing."""
    site = Site()
    movie_id = site.film()
    publish(site, movie_id)
    before = dict(site.bucket.objects)
    publish(site, movie_id)

    assert site.bucket.objects == before


def test_only_objects_of_the_film_are_signed() -> None:
    """References to other hosts stay as they are."""
    site, movie_id = Site(), uuid4()
    foreign = ["https://ads.example/ad.ts", "data:text/plain,x"]
    own = f"https://vod.s3.eu-central-1.amazonaws.com/movies/{movie_id}/own.ts"
    lines = "".join(f"#EXTINF:1,\n{uri}\n" for uri in (*foreign, own))
    site.put(movie_id, "index.m3u8", f"#EXTM3U\n{lines}".encode())

    publish(site, movie_id)

    (key,) = site.published
    *kept, signed = uris(site.at(f"https://vod/{key}?X-Amz-Signature=1"))
    assert kept == foreign
    assert signed.startswith(f"{own}?")
    assert "X-Amz-Signature=" in signed


@pytest.mark.parametrize(
    "path", ["../", "/movies/", "https://vod.s3.eu-central-1.amazonaws.com/movies/"]
)
def test_no_object_of_another_film_is_signed(path: str) -> None:
    """A film that refers to another film's object is unplayable."""
    site, movie_id = Site(), uuid4()
    playlist = f"#EXTM3U\n#EXTINF:1,\n{path}{uuid4()}/a.ts\n"
    site.put(movie_id, "index.m3u8", playlist.encode())

    with pytest.raises(FilmUnplayable):
        publish(site, movie_id)
    assert site.published == []


def test_a_rendition_that_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    """The film plays without it: the first playlist does not refer to it."""
    site, movie_id = Site(), uuid4()
    site.put(movie_id, "index.m3u8", MASTER)
    site.put(movie_id, "low/index.m3u8", PLAYLIST)

    publish(site, movie_id)

    last = site.published[-1]
    (url,) = uris(site.at(f"https://vod/{last}?X-Amz-Signature=1"))
    assert "/low/index.m3u8?" in url
    assert "a rendition is missing" in caplog.text


CHAIN = (
    b'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:xlink="http://www.w3.org/1999/xlink">'
    b'<SupplementalProperty schemeIdUri="urn:mpeg:dash:chaining:2016" value="next.mpd"/><Period/>'
    b"</MPD>"
)
INTERSTITIAL = PLAYLIST.replace(
    b"#EXTINF:4,",
    b'#EXT-X-DATERANGE:ID="a",CLASS="com.apple.hls.interstitial",X-ASSET-URI="next.m3u8"\n'
    b"#EXTINF:4,",
)


@pytest.mark.parametrize(
    ("form", "first", "path", "following"),
    [
        ("dash", CHAIN, "next.mpd", CHAIN.replace(b"<Period/>", b'<Period xlink:href="a.xml"/>')),
        ("hls", INTERSTITIAL, "next.m3u8", MASTER),
    ],
)
def test_nothing_is_left_of_a_nested_manifest(
    form: ManifestType, first: bytes, path: str, following: bytes
) -> None:
    """A nested manifest that refers to missing ones only is missing, and the film plays."""
    site = Site()
    movie_id = site.film()
    site.put(movie_id, MANIFEST_NAMES[form], first)
    site.put(movie_id, path, following)
    publish(site, movie_id, form)
    (copy,) = site.published
    assert path not in gzip.decompress(site.bucket.objects[copy].body).decode()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"no playlist", None), (PLAYLIST, "gzip"), (PLAYLIST, "br"), (b"#EXTM3U\xff\xfe", None)],
    ids=["no playlist", "not compressed", "other compression", "not UTF-8"],
)
def test_a_broken_manifest(body: bytes, encoding: str | None) -> None:
    """A film whose manifest cannot be read is unplayable, and no copy is written."""
    site, movie_id = Site(), uuid4()
    site.put(movie_id, "index.m3u8", body, encoding)

    with pytest.raises(FilmUnplayable) as raised:
        publish(site, movie_id)

    assert site.published == []
    assert "playlist" not in (raised.value.detail or ""), "it would quote the manifest"


def test_manifests_without_end() -> None:
    """A film whose playlists refer to ever deeper ones is unplayable."""
    site, movie_id = Site(), uuid4()
    path = ""
    for _ in range(10):
        body = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nd/index.m3u8\n"
        site.put(movie_id, f"{path}index.m3u8", body)
        path += "d/"

    with pytest.raises(FilmUnplayable):
        publish(site, movie_id)


def test_too_many_manifests() -> None:
    """A film of more than 500 playlists is unplayable."""
    site, movie_id = Site(), uuid4()
    variants = "".join(f"#EXT-X-STREAM-INF:BANDWIDTH=1\n{each}.m3u8\n" for each in range(501))
    site.put(movie_id, "index.m3u8", f"#EXTM3U\n{variants}".encode())

    with pytest.raises(FilmUnplayable):
        publish(site, movie_id)


def test_a_name_that_the_store_refuses() -> None:
    """If a copy's key is longer than the storage accepts, the film is unplayable."""
    site, movie_id = Site(), uuid4()
    name = "x" * 960 + ".m3u8"
    site.put(movie_id, "index.m3u8", f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{name}\n".encode())
    site.put(movie_id, name, PLAYLIST)

    with pytest.raises(FilmUnplayable):
        publish(site, movie_id)


def test_an_impossible_duration_is_unknown() -> None:
    """A duration that no film has is not stored."""
    site, movie_id = Site(), uuid4()
    site.put(movie_id, "index.m3u8", b"#EXTM3U\n" + b"#EXTINF:999999999,\na.ts\n" * 3)

    assert publish(site, movie_id) is None


def test_asset_lists_are_part_of_the_playlist() -> None:
    """A short list of assets is embedded in the copy, with presigned URLs in it."""
    site, movie_id = Site(), uuid4()
    tag = (
        '#EXT-X-DATERANGE:ID="1",CLASS="com.apple.hls.interstitial",'
        'START-DATE="2026-01-01T00:00:00Z",X-ASSET-LIST="ads.json"\n'
    )
    site.put(movie_id, "index.m3u8", PLAYLIST.replace(b"#EXTINF:4", tag.encode() + b"#EXTINF:4"))
    site.put(movie_id, "ads.json", json.dumps({"ASSETS": [{"URI": "ad.ts"}]}).encode())

    publish(site, movie_id)

    playlist = site.at(f"https://vod/{site.published[-1]}?X-Amz-Signature=1")
    (url,) = re.findall('X-ASSET-LIST="([^"]+)"', playlist)
    assert url.startswith("data:application/json;base64,")


def test_no_film() -> None:
    """A missing film is not found; a bucket that does not answer is not a missing film."""
    site = Site()
    with pytest.raises(MovieNotFound):
        publish(site, uuid4())

    site.bucket.is_down = True
    with pytest.raises(StorageUnavailable):
        publish(site, uuid4())
