"""Independent parsers find the same playlist before and after, except for its URLs."""

import json
from collections.abc import Callable
from typing import Any

import m3u8
import openm3u8
import pytest

from streaming.manifests import hls
from tests.unit.manifests.hls.playlists import FILM, ROOT, sign

MULTIVARIANT = """\
#EXTM3U
#EXT-X-VERSION:12
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-DEFINE:NAME="unused",VALUE="x"
#EXT-X-CONTENT-STEERING:SERVER-URI="steering.json",PATHWAY-ID="CDN-A"
#EXT-X-SESSION-DATA:DATA-ID="com.example.title",URI="title.json",LANGUAGE="en"
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="keys/a.key",IV=0x0123456789abcdef0123456789abcdef
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="English, stereo",LANGUAGE="en",URI="audio/en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="Muxed"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="Deutsch",FORCED=NO,URI="subs/de.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1280000,CODECS="avc1.640029,mp4a.40.2",AUDIO="aac",SUBTITLES="subs"
video/720p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=7680000,RESOLUTION=1920x1080,FRAME-RATE=29.970,AUDIO="aac"
https://cdn.example/video/1080p.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=86000,URI="video/iframes.m3u8",RESOLUTION=1280x720
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1000,RESOLUTION=320x180,CODECS="jpeg",URI="thumbnails.m3u8"
"""

MEDIA = """\
#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:4
#EXT-X-PART-INF:PART-TARGET=0.33334
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-KEY:METHOD=AES-128,URI="keys/a.key",IV=0x0123456789abcdef0123456789abcdef
#EXT-X-MAP:URI="all.mp4",BYTERANGE="720@0"
#EXT-X-PROGRAM-DATE-TIME:2026-02-03T04:05:06.000Z
#EXT-X-DATERANGE:ID="ad",START-DATE="2026-02-03T04:05:06Z",DURATION=15.0,X-ASSET-URI="ads/a.m3u8"
#EXTINF:3.96,one
#EXT-X-BYTERANGE:1000@720
all.mp4
#EXTINF:4.0,
#EXT-X-BYTERANGE:2000@1720
all.mp4
#EXT-X-DISCONTINUITY
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://key-id",KEYFORMAT="com.apple.streamingkeydelivery"
#EXT-X-MAP:URI="init.mp4"
#EXTINF:4.00000,
segment.m4s
#EXTINF:2,
https://cdn.example/bumper.m4s
#EXT-X-PART:DURATION=0.33334,URI="part.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="next.m4s"
#EXT-X-RENDITION-REPORT:URI="audio.m3u8",LAST-MSN=7,LAST-PART=1
#EXT-X-ENDLIST
"""


def seen_by_m3u8(text: str) -> Any:
    """Return the result of the parser m3u8 for a playlist."""
    return m3u8.loads(text).data


def seen_by_openm3u8(text: str) -> Any:
    """Return the result of the parser openm3u8 for a playlist."""
    return openm3u8.loads(text).data


@pytest.mark.parametrize("judge", [seen_by_m3u8, seen_by_openm3u8])
@pytest.mark.parametrize("text", [MULTIVARIANT, MEDIA], ids=["multivariant", "media"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_equal_but_for_urls(text: str, end: str, judge: Callable[[str], Any]) -> None:
    """With each signed URL replaced by its original, a parser's complete result is the same."""
    text = text.replace("\n", end)
    manifest = hls.parse(text.encode(), path="index.m3u8", film=FILM)
    rewritten = manifest.render(sign).decode()
    view = json.dumps(judge(rewritten), default=str)
    for reference in manifest.objects:
        view = view.replace(sign(reference), reference.path)
    assert json.dumps(judge(text), default=str) == view


@pytest.mark.parametrize("text", [MULTIVARIANT, MEDIA], ids=["multivariant", "media"])
def test_every_uri_that_a_parser_finds_is_signed_or_foreign(text: str) -> None:
    """No URI that a parser finds has to be resolved against the URL of the copy."""
    rewritten = hls.parse(text.encode(), path="index.m3u8", film=FILM).render(sign).decode()
    found: list[str] = []

    def collect(value: Any, name: str = "") -> None:
        if isinstance(value, dict):
            for each, inner in value.items():
                collect(inner, each)
        elif isinstance(value, list):
            for inner in value:
                collect(inner, name)
        elif "uri" in name and isinstance(value, str):
            found.append(value.strip('"'))

    collect(seen_by_openm3u8(rewritten))
    foreign = ("https://signed.example/", "https://cdn.example/", "skd://")
    assert found
    assert all(uri.startswith(foreign) for uri in found)
    assert ROOT not in rewritten
