"""Recognizing a playlist, its limits, and its duration."""

from contextlib import suppress

import pytest

from streaming.manifests import hls
from streaming.manifests.errors import ManifestError, ManifestTooLarge, NotAManifest, OutsideFilm
from streaming.manifests.hls import limits
from tests.unit.manifests.hls.playlists import FILM, parse, rewrite, sign, signed_paths


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U",
        "\ufeff#EXTM3U\n",
        "#EXTM3U\r\n",
        "#EXTM3U url-tvg=x\n",
        "# packaged by x\n\n#EXTM3U\n",
        "\n \n#EXTM3U\n",
        " #EXTM3U\n",
    ],
)
def test_accepts_a_header(text: str) -> None:
    """A playlist is recognized by its first tag, with everything around it that players accept."""
    assert text + "\na.ts" == rewrite(text + "\na.ts").replace(
        "https://signed.example/object/video/", ""
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ufeff",
        "a.ts\n",
        "#EXTINF:2,\na.ts\n",
        "#EXTM3U8\na.ts\n",
        "#EXTM3U-X\n",
        "#EXT-X-VERSION:3\n#EXTM3U\n",
        "a.ts\n#EXTM3U\n",
        "<html>#EXTM3U</html>",
        '{"error": "not found"}',
    ],
)
def test_refuses_what_is_no_playlist(text: str) -> None:
    """An error page or another file is not published as a playlist."""
    with pytest.raises(NotAManifest):
        parse(text)


@pytest.mark.parametrize(
    "body", [b"#EXTM3U\n\xff\xfe.ts\n", b"#EXTM3U\ncaf%E9.ts\n", "#EXTM3U\n".encode("utf-16-le")]
)
def test_refuses_other_encodings(body: bytes) -> None:
    """A playlist is UTF-8; another interpretation would sign keys that do not exist."""
    with pytest.raises(NotAManifest):
        hls.parse(body, path="index.m3u8", film=FILM)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_byte_order_mark(encoding: str) -> None:
    """A playlist in UTF-16 with a byte order mark, as PowerShell writes it, plays in browsers."""
    body = "\ufeff#EXTM3U\n#EXTINF:2,Café\na.ts\n".encode(encoding)
    rendered = hls.parse(body, path="index.m3u8", film=FILM).render(sign).decode()
    assert rendered == "#EXTM3U\n#EXTINF:2,Café\nhttps://signed.example/object/a.ts\n"


@pytest.mark.parametrize("name", ["caf%E9", "%ff", "caf\ufffd"])
def test_variants_whose_names_are_not_utf8_are_left_out(name: str) -> None:
    """No object has such a name, so the variant is missing; a foreign one stays."""
    text = rewrite(
        f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{name}.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=2\nv.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=3\nhttps://cdn.example/caf%E9.m3u8\n"
    )
    assert signed_paths(text) == ["copy/video/v.m3u8"]
    assert text.count("#EXT-X-STREAM-INF") == 2


@pytest.mark.parametrize(
    "line",
    [
        '#EXT-X-KEY:METHOD=AES-128,URI="k.key',
        '#EXT-X-KEY:METHOD=AES-128,URI="k.key"x',
        '#EXT-X-KEY:URI="a.key" URI="b.key"',
    ],
)
def test_refuses_broken_attribute_lists(line: str) -> None:
    """Only URIs with an unambiguous beginning and end are signed."""
    with pytest.raises(NotAManifest, match="attribute list"):
        parse(f"#EXTM3U\n{line}\n")


@pytest.mark.parametrize("uri", ["./", "../video/", "?x=1", "hd/", "x" * 1100])
def test_refuses_what_names_no_object(uri: str) -> None:
    """A folder has no playable URL, and S3 has no keys of that length."""
    with pytest.raises(NotAManifest, match="no object"):
        parse(f"#EXTM3U\n{uri}\n")


def test_an_escape_in_one_line_condemns_the_playlist() -> None:
    """No partially signed playlist: one reference outside the film is an error of all of it."""
    with pytest.raises(OutsideFilm):
        parse("#EXTM3U\na.ts\n../../m2/a.ts\nb.ts\n")


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("#EXTINF:2.5,\na.ts\n#EXTINF:3,title\nb.ts\n#EXTINF: 4.25\nc.ts", 9.75),
        ("#EXTINF:10.,\na.ts", 10.0),
        ("#EXTINF:-1,live\na.ts\n#EXTINF:,\nb.ts\n#EXTINF:nan,\nc.ts", 0.0),
        ("#EXT-X-TARGETDURATION:6", None),
        ("#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8", None),
    ],
)
def test_duration(text: str, duration: float | None) -> None:
    """A media playlist lasts as long as its segments; a multivariant one has no duration."""
    assert duration == parse(f"#EXTM3U\n{text}\n").duration_seconds


def test_caps_bytes() -> None:
    """A playlist above the size limit is rejected before it is read."""
    with pytest.raises(ManifestTooLarge):
        parse("#EXTM3U\n" + "#" * limits.MAX_BYTES)


def test_caps_references() -> None:
    """The number of references is limited, including foreign and repeated ones."""
    lines = "a.ts\nhttps://ads.example/a\n" * (limits.MAX_REFERENCES // 2)
    parse(f"#EXTM3U\n{lines}")
    with pytest.raises(ManifestTooLarge):
        parse(f"#EXTM3U\n{lines}a.ts\n")


def test_caps_nested_playlists() -> None:
    """The number of copies that a playlist needs is limited."""
    lines = "".join(
        f'#EXT-X-MEDIA:TYPE=AUDIO,URI="{n}.m3u8"\n' for n in range(limits.MAX_NESTED + 1)
    )
    with pytest.raises(ManifestTooLarge):
        parse(f"#EXTM3U\n{lines}")


@pytest.mark.parametrize(
    "lines",
    [
        "#EXT-X-DATERANGE:" + "A=1," * (limits.MAX_LINE_ATTRIBUTES + 1),
        "#EXT-X-STREAM-INF:" + "A=1," * (limits.MAX_LINE_ATTRIBUTES + 1),
        "#EXT-X-KEY:A,=,A=\n" * (limits.MAX_ATTRIBUTES + 1),
        f"#EXT-X-MEDIA:{'A=,' * 999}\n" * (limits.MAX_ATTRIBUTES // 999 + 1),
    ],
    ids=["a date range", "a variant", "short lists", "long lists"],
)
@pytest.mark.unmeasured
def test_caps_attributes(lines: str) -> None:
    """The number of attributes is limited, in a line and in all, because each takes memory."""
    with pytest.raises(ManifestTooLarge):
        parse(f"#EXTM3U\n{lines}")


@pytest.mark.parametrize(
    "unit",
    [
        "\n",
        " ",
        "\t\n",
        "#\n",
        "# \r",
        "#EXTINF:1,\n",
        '#EXT-X-KEY:A="',
        "#EXT-X-KEY:A=1,",
        "#EXT-X-KEY:",
        "{$a}",
        "../",
        "a/../",
        "%2e",
        "?",
        "a#",
        '"',
    ],
)
@pytest.mark.parametrize("header", ["#EXTM3U\n", "", "#EXTM3U\n#EXT-X-KEY:", "#EXTM3U\na"])
@pytest.mark.timeout(60)
def test_hostile_playlists_are_answered(header: str, unit: str) -> None:
    """A megabyte of any contents is rewritten or rejected, whether it is a playlist or not."""
    body = header + unit * (1_000_000 // len(unit))
    with suppress(ManifestError):
        rewrite(body)


def test_bare_carriage_returns_end_lines() -> None:
    """Old players end lines at a lone CR; a URI after one is found and signed."""
    text = "#EXTM3U\r#EXTINF:2,\ra.ts\r#EXT-X-ENDLIST\r"
    assert signed_paths(rewrite(text)) == ["object/video/a.ts"]


@pytest.mark.parametrize(
    ("line", "signed"),
    [
        ("#EXT-X-MAP:garbage", []),
        ('#EXT-X-MAP:URI="init.mp4",,', ["object/video/init.mp4"]),
        ('#EXT-X-MAP:"URI"="init.mp4"', []),
        ('#EXT-X-MEDIA:NAME="Director\'s "cut"",URI="a.m3u8"', ["copy/video/a.m3u8"]),
        ('#EXT-X-MEDIA:NAME=""x" and "y"",URI="a.m3u8"', ["copy/video/a.m3u8"]),
    ],
)
def test_tolerates_what_players_tolerate(line: str, signed: list[str]) -> None:
    """A value ends at a quotation mark before a comma or the end, as hls.js reads it."""
    assert signed_paths(rewrite(f"#EXTM3U\n{line}\n")) == signed


def test_quotation_marks_in_uris() -> None:
    """They are part of the object's name, as in hls.js, and are encoded in a foreign URL."""
    text = rewrite(
        '#EXTM3U\n#EXT-X-MAP:URI="the "a".mp4",BYTERANGE="1@0"\n'
        '#EXT-X-MAP:URI="https://cdn.example/"a".mp4",BYTERANGE="1@0"\n'
    )
    assert text == (
        '#EXTM3U\n#EXT-X-MAP:URI="https://signed.example/object/video/the%20"a".mp4",'
        'BYTERANGE="1@0"\n#EXT-X-MAP:URI="https://cdn.example/%22a%22.mp4",BYTERANGE="1@0"\n'
    )


def test_titles_may_be_in_any_encoding() -> None:
    """A byte that is not UTF-8 outside of URIs becomes a replacement character, as in players."""
    body = "#EXTM3U\n#EXTINF:2,Café\na.ts\n".encode("latin-1")
    rendered = hls.parse(body, path="index.m3u8", film=FILM).render(sign).decode()
    assert rendered == "#EXTM3U\n#EXTINF:2,Caf\ufffd\nhttps://signed.example/object/a.ts\n"


def test_groups_are_still_found_by_their_names() -> None:
    """Quotation marks in the name of a group are replaced alike wherever it is named."""
    rewritten = rewrite(
        '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a"b",NAME="x",URI="a.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"b"\nv.m3u8\n'
    )

    assert """GROUP-ID="a'b",""" in rewritten
    assert """AUDIO="a'b"\n""" in rewritten


MASTER = """#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="one",URI="one.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="two",URI="two.m3u8"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="frames.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a",SUBTITLES="s"
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2,SUBTITLES="s",AUDIO="a"
high.m3u8
"""


@pytest.mark.parametrize("lost", ["one", "two", "frames", "low", "high"])
def test_missing_playlists_are_left_out(lost: str) -> None:
    """References to a missing playlist are removed, including groups without renditions."""
    missing = frozenset({(f"video/{lost}.m3u8", "")})

    text = rewrite(MASTER, missing=missing)

    left = {"one", "two", "frames", "low", "high"} - {lost}
    assert set(signed_paths(text)) == {f"copy/video/{name}.m3u8" for name in left}
    assert ('AUDIO="a"' in text) == (lost != "one")
    assert ('SUBTITLES="s"' in text) == (lost != "two")
    assert text.count("#EXT-X-STREAM-INF:BANDWIDTH") == (1 if lost in ("low", "high") else 2)
    assert ",\n" not in text
    assert "INF:," not in text


def test_without_any_variant_there_is_no_film() -> None:
    """A multivariant playlist without any existing variant is unplayable."""
    missing = frozenset({("video/low.m3u8", ""), ("video/high.m3u8", "")})
    with pytest.raises(NotAManifest):
        rewrite(MASTER, missing=missing)
