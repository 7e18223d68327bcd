"""URLs that players construct or find themselves: interstitials, asset lists, chapters."""

import base64
import json
import re
from typing import Any
from uuid import UUID, uuid4

from local.stack import Stack
from tests.support import plain_http
from tests.support.functions import Viewer

SEGMENT = b"media"


def put_film(stack: Stack, files: dict[str, str | bytes]) -> UUID:
    """Upload a film; ``{FILM}`` in a file is the URL of its folder."""
    movie_id = uuid4()
    client = stack.s3.admin_client
    folder = f"{stack.s3.endpoint_url}/{stack.s3.bucket}/movies/{movie_id}"
    for name, content in files.items():
        body = content.replace("{FILM}", folder) if isinstance(content, str) else content
        client.put_object(Bucket=stack.s3.bucket, Key=f"movies/{movie_id}/{name}", Body=body)
    return movie_id


def media(*lines: str, segments: tuple[str, ...] = ("s0.ts",)) -> str:
    """Return a media playlist with these lines before its segments."""
    entries = [f"#EXTINF:4,\n{name}" for name in segments]
    head = ("#EXTM3U", "#EXT-X-TARGETDURATION:4", "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z")
    return "\n".join((*head, *lines, *entries, "#EXT-X-ENDLIST", ""))


def started(viewer: Viewer, movie_id: UUID) -> str:
    """Start a film; return its signed playlist."""
    answer = viewer.start(movie_id)
    assert answer.status == 200, answer.body
    return loaded(answer.json["manifest_url"])


def loaded(url: str) -> str:
    """Load a URL as a player of interstitials does: with its query, where possible."""
    if url.startswith("data:"):
        return base64.b64decode(url.partition("base64,")[2]).decode()
    answer = plain_http.get(url)
    assert answer.status_code == 200, answer.text
    return answer.text


def attribute(playlist: str, name: str) -> str:
    """Return the value of the first attribute of that name."""
    match = re.search(f'{name}="([^"]*)"', playlist)
    assert match is not None
    return match[1]


def with_primary_id(url: str) -> str:
    """Return the URL that hls.js and Shaka derive from an interstitial's."""
    return url if url.startswith("data:") else f"{url}&_HLS_primary_id=0b5e"


def test_interstitial(stack: Stack, viewer: Viewer) -> None:
    """An advertisement's playlist in the film's folder loads, with and without query, and plays."""
    tag = (
        '#EXT-X-DATERANGE:ID="ad",CLASS="com.apple.hls.interstitial",X-ASSET-URI="{FILM}/ad/i.m3u8"'
    )
    movie_id = put_film(
        stack,
        {
            "index.m3u8": media(tag),
            "s0.ts": SEGMENT,
            "ad/i.m3u8": media(segments=("a.ts", "b.ts")),
            "ad/a.ts": SEGMENT,
            "ad/b.ts": SEGMENT,
        },
    )

    playlist = started(viewer, movie_id)
    asset = loaded(with_primary_id(attribute(playlist, "X-ASSET-URI")))

    segments = re.findall(r"^http.*", asset, re.MULTILINE)
    assert [plain_http.get(url).content for url in segments] == [SEGMENT, SEGMENT]


def test_asset_list(stack: Stack, viewer: Viewer) -> None:
    """The list of a break's advertisements loads, and so does each advertisement in it."""
    assets: dict[str, Any] = {
        "ASSETS": [
            {"URI": "one", "DURATION": 4.0},
            {"URI": "{FILM}/ads/multi.m3u8", "DURATION": 4},
            {"URI": "https://ads.example/x.m3u8", "DURATION": 5, "X-NOTE": 'a "quoted" <note>'},
        ],
        "SKIP-CONTROL": {"OFFSET": 1, "DURATION": 3.50},
    }
    movie_id = put_film(
        stack,
        {
            "index.m3u8": media('#EXT-X-DATERANGE:ID="ad",X-ASSET-LIST="ads/list.json"'),
            "ads/list.json": json.dumps(assets),
            "ads/one": media(segments=("a.ts",)),
            "ads/multi.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\none\n",
            "ads/a.ts": SEGMENT,
        },
    )

    playlist = started(viewer, movie_id)
    found = json.loads(loaded(with_primary_id(attribute(playlist, "X-ASSET-LIST"))))

    one, multi, foreign = found["ASSETS"]
    assert found["SKIP-CONTROL"] == assets["SKIP-CONTROL"]
    assert foreign == assets["ASSETS"][2]
    segment = loaded(with_primary_id(one["URI"])).splitlines()[-2]
    assert plain_http.get(segment).content == SEGMENT
    variant = loaded(with_primary_id(multi["URI"])).splitlines()[-1]
    assert plain_http.get(loaded(variant).splitlines()[-2]).content == SEGMENT


def test_chapters(stack: Stack, viewer: Viewer) -> None:
    """The pictures of chapters load, and all other bytes of the file are unchanged."""
    chapters = (
        '[{"chapter": 1, "start-time": 0.50, "titles": [{"title": "One \\u2013 url"}],'
        ' "images": [{"pixel-width": 64, "url": "1.jpg"}, {"url": "https://cdn.example/2.jpg"}]},'
        ' {"url": 7, "urls": ["1.jpg", "../../../other/secret.jpg"]}]'
    )
    movie_id = put_film(
        stack,
        {
            "index.m3u8": "#EXTM3U\n"
            '#EXT-X-SESSION-DATA:DATA-ID="com.apple.hls.chapters",URI="chapters/c.json"\n'
            '#EXT-X-SESSION-DATA:DATA-ID="raw",FORMAT=RAW,URI="chapters/raw.txt"\n'
            '#EXT-X-SESSION-DATA:DATA-ID="none",URI="chapters/none.json"\n'
            "#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n",
            "v.m3u8": media(),
            "chapters/c.json": chapters,
            "chapters/1.jpg": SEGMENT,
            "chapters/raw.txt": "no { json",
            "chapters/none.json": "no { json",
        },
    )

    playlist = started(viewer, movie_id)
    urls = re.findall(r'URI="([^"]*)"', playlist)
    document = loaded(urls[0])

    pictures = re.findall(r'"(http[^"]*chapters/1\.jpg[^"]*)"', document)
    assert [plain_http.get(url).content for url in pictures] == [SEGMENT, SEGMENT]
    for url in pictures:
        document = document.replace(url, "1.jpg")
    assert document == chapters
    assert [loaded(url) for url in urls[1:3]] == ["no { json", "no { json"]


def test_other_members(stack: Stack, viewer: Viewer) -> None:
    """Pictures load however their members are called; texts and fragments stay as they are."""
    document: dict[str, Any] = {
        "title": "1.jpg",
        "image": "a picture",
        "poster": "1.jpg#xywh=0,0,160,90",
        "icon": "icons/play.BMP?v=1",
        "images": {"small": "1.jpg", "large": "https://cdn.example/1.jpg"},
        "any": "{FILM}/chapters/1.jpg",
        "url": "\ud83d.jpg",
        "codecs": "mp4a.40.2",
    }
    movie_id = put_film(
        stack,
        {
            "index.m3u8": media('#EXT-X-SESSION-DATA:DATA-ID="x",URI="chapters/c.json"'),
            "chapters/c.json": json.dumps(document),
            "chapters/1.jpg": SEGMENT,
        },
    )

    found = json.loads(loaded(attribute(started(viewer, movie_id), "URI")))

    poster, _, fragment = found["poster"].partition("#")
    assert fragment == "xywh=0,0,160,90"
    urls = (poster, found["images"]["small"], found["any"])
    assert [plain_http.get(url).content for url in urls] == [SEGMENT] * 3
    assert "/chapters/icons/play.BMP?X-Amz-" in found["icon"]
    assert found == document | {
        "poster": found["poster"],
        "icon": found["icon"],
        "images": found["images"],
        "any": found["any"],
    }
    assert found["images"]["large"] == document["images"]["large"]


def test_trailer_in_json(stack: Stack, viewer: Viewer) -> None:
    """A playlist that JSON refers to plays, and is no part of the film."""
    movie_id = put_film(
        stack,
        {
            "index.m3u8": media('#EXT-X-SESSION-DATA:DATA-ID="x",URI="more.json"'),
            "more.json": '{"trailer": "trailer/i.m3u8"}',
            "trailer/i.m3u8": media(segments=("a.ts", "a.ts", "a.ts")),
            "trailer/a.ts": SEGMENT,
        },
    )

    answer = viewer.start(movie_id)
    document = loaded(attribute(loaded(answer.json["manifest_url"]), "URI"))

    trailer = loaded(json.loads(document)["trailer"])
    assert plain_http.get(trailer.splitlines()[-2]).content == SEGMENT
    assert answer.json["duration_seconds"] == 4


def test_content_steering(stack: Stack, viewer: Viewer) -> None:
    """A steering manifest in the film's folder loads with the query that players add."""
    steering = '{"VERSION": 1, "TTL": 300, "PATHWAY-PRIORITY": ["A"]}'
    movie_id = put_film(
        stack,
        {
            "index.m3u8": '#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI="s.json",PATHWAY-ID="A"\n'
            '#EXT-X-STREAM-INF:BANDWIDTH=1,PATHWAY-ID="A"\nv.m3u8\n',
            "v.m3u8": media(),
            "s.json": steering,
        },
    )

    assert loaded(attribute(started(viewer, movie_id), "SERVER-URI")) == steering


def test_an_advertisement_that_is_missing(stack: Stack, viewer: Viewer) -> None:
    """A film without its advertisement, or without their list, plays without it."""
    movie_id = put_film(
        stack,
        {
            "index.m3u8": media(
                '#EXT-X-DATERANGE:ID="1",X-ASSET-URI="gone.m3u8"',
                '#EXT-X-DATERANGE:ID="2",X-ASSET-LIST="gone.json"',
            ),
            "s0.ts": SEGMENT,
        },
    )

    playlist = started(viewer, movie_id)

    assert "DATERANGE" not in playlist
    assert plain_http.get(playlist.splitlines()[-2]).content == SEGMENT


def test_an_advertisement_that_leads_to_itself(stack: Stack, viewer: Viewer) -> None:
    """A film whose advertisement contains itself starts, and the recursion ends."""
    tag = '#EXT-X-DATERANGE:ID="ad",X-ASSET-URI="ad.m3u8"'
    movie_id = put_film(
        stack,
        {"index.m3u8": media(tag), "ad.m3u8": media(tag), "s0.ts": SEGMENT},
    )

    inner = loaded(attribute(started(viewer, movie_id), "X-ASSET-URI"))

    assert "X-ASSET-URI" in inner
    assert len(inner) < 100_000
