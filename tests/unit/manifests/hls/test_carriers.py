"""Every place in an HLS playlist that can hold a URI is signed."""

import pytest

from streaming.manifests.references import Kind, Nested, Reference
from tests.unit.manifests.hls.playlists import parse, rewrite

# Tag lines with {} at the place of the URI, and the kind of its URL.
CARRIERS = {
    "segment": ("#EXTINF:4.000,title, with a comma\n{}", "object"),
    "byte range": ("#EXTINF:4,\n#EXT-X-BYTERANGE:100@0\n{}", "object"),
    "key": ('#EXT-X-KEY:METHOD=AES-128,URI="{}",IV=0x0123456789abcdef', "object"),
    "session key": ('#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="{}",KEYFORMAT="identity"', "object"),
    "initialization": ('#EXT-X-MAP:URI="{}",BYTERANGE="720@0"', "object"),
    "session data": ('#EXT-X-SESSION-DATA:DATA-ID="com.example.a,URI=",URI="{}"', "copy"),
    "raw session data": ('#EXT-X-SESSION-DATA:DATA-ID="a",FORMAT=RAW,URI="{}"', "object"),
    "part": ('#EXT-X-PART:DURATION=0.33,URI="{}",INDEPENDENT=YES', "object"),
    "preload hint": ('#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{}",BYTERANGE-START=0', "object"),
    "content steering": ('#EXT-X-CONTENT-STEERING:SERVER-URI="{}",PATHWAY-ID="A"', "inline"),
    "asset list": ('#EXT-X-DATERANGE:ID="ad",X-ASSET-LIST="{}",DURATION=15', "inline"),
    "asset": ('#EXT-X-DATERANGE:ID="ad",X-ASSET-URI="{}",X-RESUME-OFFSET=0', "inline"),
    "variant": ('#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.4d401f,mp4a.40.2"\n{}', "copy"),
    "rendition": ('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x,URI=",URI="{}"', "copy"),
    "I-frames": ('#EXT-X-I-FRAME-STREAM-INF:URI="{}",BANDWIDTH=1', "copy"),
    "images": ('#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI="{}",RESOLUTION=320x180', "copy"),
    "rendition report": ('#EXT-X-RENDITION-REPORT:URI="{}",LAST-MSN=5', "copy"),
}


# Not a playlist, but it also gets a copy.
KINDS = {
    "session data": Kind.JSON,
    "content steering": Kind.JSON,
    "asset list": Kind.ASSET_LIST,
}


def playlist(carrier: str, uri: str) -> str:
    """Return a playlist with one tag that contains ``uri``."""
    return f"#EXTM3U\n#EXT-X-VERSION:12\n{CARRIERS[carrier][0].format(uri)}\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("a.x", "video/a.x"),
        ("../audio/a%20b.x", "audio/a%20b.x"),
        ("/vod/movies/m1/a.x", "a.x"),
        ("https://s3.example/vod/movies/m1/a.x", "a.x"),
    ],
)
def test_signs_what_is_in_the_film(carrier: str, uri: str, path: str) -> None:
    """A URI of the film is replaced by the URL of its kind, and nothing else changes."""
    expected = playlist(carrier, f"https://signed.example/{CARRIERS[carrier][1]}/{path}")
    assert expected == rewrite(playlist(carrier, uri))


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize(
    "uri",
    [
        "https://ads.example/a.x?token=1",
        "//ads.example/a.x",
        "data:text/plain;base64,AAAA",
        "skd://key-id",
        "file:///etc/passwd",
        "urn:uuid:1",
    ],
)
def test_leaves_foreign_uris_alone(carrier: str, uri: str) -> None:
    """A URI of another host or scheme is unchanged, and gets no copy."""
    text = playlist(carrier, uri)
    assert text == rewrite(text)
    assert parse(text).nested == ()


@pytest.mark.parametrize("carrier", CARRIERS)
def test_announces_nested_playlists(carrier: str) -> None:
    """Exactly the playlists that need their own copies are reported."""
    kind = KINDS.get(carrier, Kind.MANIFEST)
    is_copied = CARRIERS[carrier][1] in ("copy", "inline")
    expected = (Nested("video/a.x", kind=kind),) if is_copied else ()
    assert expected == parse(playlist(carrier, "a.x")).nested


@pytest.mark.parametrize("carrier", CARRIERS)
def test_keeps_the_fragment_and_drops_the_query(carrier: str) -> None:
    """A fragment stays after the signed URL; the signature replaces an object's own query."""
    kind = CARRIERS[carrier][1]
    # Only of playlists, which may import it.
    is_playlist = kind in ("copy", "inline") and carrier not in KINDS
    query = "?v=1" if is_playlist else ""
    expected = playlist(carrier, f"https://signed.example/{kind}/video/a.x{query}#t=1")
    assert expected == rewrite(playlist(carrier, "a.x?v=1#t=1"))


def test_both_assets_of_one_date_range() -> None:
    """Several URIs in one tag are all signed."""
    line = '#EXTM3U\n#EXT-X-DATERANGE:X-ASSET-URI="{}",ID="x",X-ASSET-LIST="{}"\n'
    expected = line.format(
        "https://signed.example/inline/a.m3u8", "https://signed.example/inline/b.json"
    )
    assert expected == rewrite(line.format("a.m3u8", "b.json"), path="index.m3u8")


def test_variant_line_may_follow_other_lines() -> None:
    """Comments and blank lines between a variant's tag and its URI are skipped."""
    text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n\n# comment\n#EXT-X-FUTURE\nv.m3u8\na.ts\n"
    manifest = parse(text, path="index.m3u8")
    assert (Nested("v.m3u8"),) == manifest.nested
    assert sorted(reference.is_manifest for reference in manifest.objects) == [False, True]


def test_a_nested_playlist_is_announced_once() -> None:
    """A playlist that many tags refer to, with any spelling, has one copy."""
    text = (
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=2\n./v.m3u8\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,URI="../video/v.m3u8"\n'
    )
    assert (Nested("video/v.m3u8"),) == parse(text).nested


def test_unquoted_uri_is_signed() -> None:
    """A URI without quotes, which players accept, is signed and stays without them."""
    text = "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI={},IV=0x1\n"
    expected = text.format("https://signed.example/object/video/k.key")
    assert expected == rewrite(text.format("k.key"))


@pytest.mark.parametrize("name", ["X-ASSET-URI", "X-ASSET-LIST"])
def test_unquoted_uri_that_becomes_a_data_url(name: str) -> None:
    """A ``data:`` URL contains a comma, so it gets the quotation marks that the URI lacks."""
    text = "#EXTM3U\n#EXT-X-DATERANGE:ID=1,{}={},DURATION=1\n"
    expected = text.format(name, '"https://signed.example/inline/video/ad.m3u8"')
    assert expected == rewrite(text.format(name, "ad.m3u8"))


@pytest.mark.parametrize("name", ["de.vtt", "de.webvtt", "DE.SRT", "de.vtt?v=1"])
def test_a_subtitle_file_is_no_playlist(name: str) -> None:
    """Subtitles that are referenced as a file, as by some packagers, are signed as that file."""
    line = '#EXTM3U\n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="Deutsch",URI="{}"\n'
    path = name.partition("?")[0]
    expected = line.format(f"https://signed.example/object/video/{path}")
    assert expected == rewrite(line.format(name))
    assert parse(line.format(name)).nested == ()


def test_a_space_before_the_fragment_belongs_to_the_path() -> None:
    """Browsers trim a URI only at its ends; so does the rewriter."""
    expected = "#EXTM3U\nhttps://signed.example/object/video/a%20#t=1\n"
    assert expected == rewrite("#EXTM3U\na #t=1\n")


@pytest.mark.parametrize("uri", ["", " ", "#t=1"])
def test_empty_uri_is_left_alone(uri: str) -> None:
    """An attribute with an empty URI is not signed."""
    text = f'#EXTM3U\n#EXT-X-KEY:METHOD=NONE,URI="{uri}"\n'
    assert text == rewrite(text)


def test_one_url_per_object() -> None:
    """Any number of byte ranges of one file needs one signature."""
    ranges = "".join(
        f"#EXTINF:2,\n#EXT-X-BYTERANGE:10@{offset}\nall.mp4\n" for offset in range(0, 1000, 10)
    )
    asked: list[str] = []

    def url_for(reference: Reference) -> str:
        asked.append(reference.path)
        return "u"

    rendered = parse(f'#EXTM3U\n#EXT-X-MAP:URI="./all.mp4",BYTERANGE="9@0"\n{ranges}').render(
        url_for
    )
    assert asked == ["video/all.mp4"]
    assert rendered.count(b"\nu\n") == 100


def test_an_asset_may_be_a_file() -> None:
    """An interstitial that is a media file is signed as that file."""
    line = '#EXTM3U\n#EXT-X-DATERANGE:ID="ad",X-ASSET-URI="{}"\n'
    expected = line.format("https://signed.example/object/video/ad.mp4")
    assert expected == rewrite(line.format("ad.mp4"))
