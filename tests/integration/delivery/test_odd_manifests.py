"""Manifests that are compressed, chained, in other encodings, or too much: played, or refused."""

import gzip
import json
import re
from dataclasses import replace
from html import unescape
from uuid import uuid4

import pytest

from local.stack import Stack
from tests.integration.delivery.manifests import MASTER, TS_FILM, TWO_VARIANTS, put_manifest
from tests.support import plain_http
from tests.support.functions import Viewer, patient_request


def test_variables_of_a_playlist(stack: Stack, viewer: Viewer) -> None:
    """A playlist that takes its segments' folder from its own query plays, for each query."""
    movie_id = uuid4()
    s3 = stack.s3.admin_client
    objects = {
        "index.m3u8": (
            b"#EXTM3U\n"
            b"#EXT-X-STREAM-INF:BANDWIDTH=1\nmedia.m3u8?folder=low\n"
            b"#EXT-X-STREAM-INF:BANDWIDTH=2\nmedia.m3u8?folder=high\n"
        ),
        "media.m3u8": (
            b'#EXTM3U\n#EXT-X-VERSION:11\n#EXT-X-DEFINE:QUERYPARAM="folder"\n'
            b"#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{$folder}/1.ts\n#EXT-X-ENDLIST\n"
        ),
    }
    for name, body in objects.items():
        s3.put_object(Bucket="vod", Key=f"movies/{movie_id}/{name}", Body=body)

    master = plain_http.get(viewer.start(movie_id).json["manifest_url"]).text
    playlists = [plain_http.get(url).text for url in master.splitlines() if url.startswith("http")]

    assert [
        f"/movies/{movie_id}/{each}/1.ts?" in playlist
        for each, playlist in zip(("low", "high"), playlists, strict=True)
    ] == [True, True]


def test_compressed_playlists_play(stack: Stack, viewer: Viewer) -> None:
    """Playlists stored with Content-Encoding: gzip are decompressed as in browsers."""
    movie_id = uuid4()
    for name, body in TWO_VARIANTS.items():
        put_manifest(stack, movie_id, gzip.compress(body), name, ContentEncoding="gzip")

    started = viewer.start(movie_id)

    assert (started.status, started.json["duration_seconds"]) == (200, 4)
    assert plain_http.get(started.json["manifest_url"]).text.count("X-Amz-Signature") == 2


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", b"anything"),
        ("gzip, gzip", gzip.compress(gzip.compress(TS_FILM))),
        ("gzip", gzip.compress(TS_FILM)[:-9]),
        ("gzip", gzip.compress(bytes(64 * 1024 * 1024))),
    ],
    ids=["brotli", "twice", "cut off", "a bomb"],
)
def test_what_cannot_be_decompressed_is_refused(
    stack: Stack, viewer: Viewer, encoding: str, body: bytes
) -> None:
    """A playlist with another encoding, or above the size limit, does not play."""
    movie_id = uuid4()
    put_manifest(stack, movie_id, body, ContentEncoding=encoding)

    refused = viewer.start(movie_id)

    assert (refused.status, refused.json["code"]) == (502, "film_unplayable")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("utf-8", TS_FILM),
        (None, gzip.compress(TS_FILM)),
        ("gzip", gzip.compress(TS_FILM[:20]) + gzip.compress(TS_FILM[20:]) + bytes(512)),
        (None, "\ufeff".encode("utf-16-le") + TS_FILM.decode().encode("utf-16-le")),
    ],
    ids=["character set", "not declared", "members and padding", "UTF-16"],
)
def test_playlists_that_were_uploaded_wrongly(
    stack: Stack, viewer: Viewer, encoding: str | None, body: bytes
) -> None:
    """A playlist plays if its data is unambiguous and its header names no other coding."""
    movie_id = uuid4()
    headers = {} if encoding is None else {"ContentEncoding": encoding}
    put_manifest(stack, movie_id, body, **headers)

    started = viewer.start(movie_id)

    assert (started.status, started.json["duration_seconds"]) == (200, 4)
    assert plain_http.get(started.json["manifest_url"]).text.count("X-Amz-Signature") == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_json_in_any_encoding(stack: Stack, viewer: Viewer, encoding: str) -> None:
    """The URLs in JSON are signed although its titles are in Latin-1, which players tolerate."""
    movie_id = uuid4()
    line = b'#EXT-X-SESSION-DATA:DATA-ID="com.example.chapters",URI="chapters.json"\n'
    put_manifest(stack, movie_id, MASTER.replace(b"#EXTM3U\n", b"#EXTM3U\n" + line))
    for name in ("v/index.m3u8", "large/index.m3u8"):
        put_manifest(stack, movie_id, TS_FILM, name)
    chapters = '[{"title": "Caf\xe9", "image-url": "caf.jpg"}]'.encode(encoding)
    put_manifest(stack, movie_id, chapters, "chapters.json")

    master = plain_http.get(viewer.start(movie_id).json["manifest_url"]).text
    (url,) = re.findall('URI="([^"]*)"', master)

    (chapter,) = json.loads(plain_http.get(url).content.decode("utf-8-sig"))
    assert "/caf.jpg?X-Amz-" in chapter["image-url"]
    assert chapter["title"] == ("Caf\ufffd" if encoding == "latin-1" else "Caf\xe9")


def test_film_of_many_queries_is_refused(stack: Stack, viewer: Viewer) -> None:
    """A long playlist with four hundred queries exceeds the film's limit, with a clear error."""
    movie_id = uuid4()
    variants = [f"#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8?{each}\n" for each in range(400)]
    put_manifest(stack, movie_id, f"#EXTM3U\n{''.join(variants)}".encode())
    segments = "".join(f"#EXTINF:2,\n{number}.ts\n" for number in range(5000))
    put_manifest(stack, movie_id, f"#EXTM3U\n{segments}".encode(), "v.m3u8")

    refused = replace(viewer, send=patient_request).start(movie_id)

    assert (refused.status, refused.json["code"]) == (502, "film_unplayable")


def test_film_of_endless_length_starts(stack: Stack, viewer: Viewer) -> None:
    """An impossible length is treated as unknown."""
    movie_id = uuid4()
    put_manifest(
        stack,
        movie_id,
        TS_FILM.replace(b"#EXTINF:4", b"#EXTINF:999999999") * 1
        + b"#EXTINF:999999999,\na.ts\n#EXTINF:999999999,\nb.ts\n",
    )

    started = viewer.start(movie_id)

    assert (started.status, started.json["duration_seconds"]) == (200, None)


def test_chained_film(stack: Stack, viewer: Viewer) -> None:
    """A film's duration is that of its own MPD; the URLs of a longer chained one last as long."""
    movie_id = uuid4()
    mpd = (
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" mediaPresentationDuration="PT{}S">{}<Period>'
        '<AdaptationSet><Representation id="v"><BaseURL>v.mp4</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>"
    )
    chain = '<SupplementalProperty schemeIdUri="urn:mpeg:dash:chaining:2016" value="feature.mpd"/>'
    put_manifest(stack, movie_id, mpd.format(10, chain).encode(), "index.mpd")
    put_manifest(stack, movie_id, mpd.format(86_400, "").encode(), "feature.mpd")

    started = viewer.start(movie_id, {"manifest_type": "dash"}).json

    (url,) = re.findall('value="([^"]*)"', plain_http.get(started["manifest_url"]).text)
    feature = plain_http.get(unescape(url)).text
    life = int(re.findall("X-Amz-Expires=([0-9]+)", feature)[0])
    assert started["duration_seconds"] == 10
    assert life > 86_400
