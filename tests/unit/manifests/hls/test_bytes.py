"""Between the URIs, a rewritten playlist is the original, byte for byte."""

from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.manifests import hls
from streaming.manifests.references import Reference
from tests.unit.manifests.hls.playlists import FILM

TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters='"\r\n', exclude_categories=["Cc"]), max_size=12
)
NAME = st.text(ascii_uppercase + digits + "-", min_size=1, max_size=12)
# One spelling per object, so that rendering can restore it.
OBJECT = st.tuples(
    st.sampled_from(["", "hd/"]),
    st.text(ascii_lowercase + digits + "_-", min_size=1, max_size=6),
    st.sampled_from([".ts", ".m4s", ".key", ".vtt", ".m3u8"]),
).map("".join)
FOREIGN = st.sampled_from(
    ["https://ads.example/a.ts?x=1&y", "data:,a", "skd://k", "//ads.example/é", "file:///x"]
)
URI = OBJECT | OBJECT | FOREIGN
QUOTED = st.one_of(TEXT, URI).map('"{}"'.format)
BARE = st.text(ascii_letters + digits + ".@-", max_size=8)
SPACE = st.sampled_from(["", "", "", " ", "\t "])


@st.composite
def attribute_lists(draw: st.DrawFn) -> str:
    """Generate an attribute list with URIs at any place."""
    carried = st.sampled_from(["URI", "SERVER-URI", "X-ASSET-URI", "X-ASSET-LIST"])
    with_uri = st.tuples(carried, URI.map('"{}"'.format))
    other = st.tuples(NAME.filter(lambda name: "URI" not in name), QUOTED | BARE)
    pairs = draw(st.lists(with_uri | other, min_size=1, max_size=5))
    return ",".join([f"{draw(SPACE)}{name}={value}" for name, value in pairs])


CARRIERS = """
    KEY SESSION-KEY MAP MEDIA I-FRAME-STREAM-INF IMAGE-STREAM-INF SESSION-DATA PART PRELOAD-HINT
    RENDITION-REPORT CONTENT-STEERING DATERANGE STREAM-INF FUTURE-TAG
"""
CARRIER = st.sampled_from(CARRIERS.split())
LINE = st.one_of(
    st.tuples(CARRIER, attribute_lists()).map(lambda pair: f"#EXT-X-{pair[0]}:{pair[1]}"),
    st.tuples(SPACE, URI, SPACE).map("".join),
    TEXT.map("#{}".format),
    TEXT.map("#EXTINF:2.5,{}".format),
    TEXT.map("#EXT-X-UNKNOWN:{}".format),
    st.sampled_from(["", " ", "\t", "#", "#EXT-X-KEY", "#EXT-X-ENDLIST"]),
)
END = st.sampled_from(["\n", "\r\n", "\n\n", "\r\n \r\n", "\r"])


@st.composite
def playlists(draw: st.DrawFn) -> str:
    """Generate a playlist with every kind of line and of line end."""
    start = draw(st.sampled_from(["", "\ufeff", "# comment\n", "\ufeff\n"]))
    lines = draw(st.lists(st.tuples(LINE, END).map("".join)))
    last = draw(LINE)
    return f"{start}#EXTM3U\r\n{''.join(lines)}{last}"


def as_written(reference: Reference) -> str:
    """Return the reference that ``OBJECT`` wrote for an object next to the playlist."""
    return reference.path.removeprefix("video/")


@settings(max_examples=150, deadline=None)
@given(text=playlists())
def test_only_uris_change(text: str) -> None:
    """Rendering each object as it was written gives the original bytes."""
    body = text.encode()
    manifest = hls.parse(body, path="video/index.m3u8", film=FILM)
    assert body == manifest.render(as_written)


@pytest.mark.unmeasured
@settings(max_examples=150, deadline=None)
@given(text=playlists())
def test_rewriting_signs_each_object_once(text: str) -> None:
    """No object is signed twice, and every signed URL is in the playlist."""
    manifest = hls.parse(text.encode(), path="video/index.m3u8", film=FILM)
    asked: list[Reference] = []

    def url_for(reference: Reference) -> str:
        asked.append(reference)
        return f"https://signed.example/{len(asked)}/"

    rendered = manifest.render(url_for).decode()
    assert len(asked) == len(set(asked))
    assert all(f"https://signed.example/{n + 1}/" in rendered for n in range(len(asked)))


# Without U+FFFD, which the parser takes for a byte that is not UTF-8.
KEY = st.text(
    st.characters(codec="utf-8", exclude_characters='\\"#?%{\ufffd', exclude_categories=["Cc"]),
    min_size=1,
).filter(
    lambda key: (
        key == key.strip()
        and len(key) < 100
        and not {"", ".", ".."} & set(key.split("/"))
        and ":" not in key.partition("/")[0]
    )
)


@settings(deadline=None)
@given(key=KEY)
def test_any_key_can_be_referred_to(key: str) -> None:
    """An object with spaces, plus signs or any script in its name is found under its own key."""
    manifest = hls.parse(
        f'#EXTM3U\n#EXT-X-MAP:URI="{key}"\n'.encode(), path="a b/index.m3u8", film=FILM
    )
    assert (Reference(f"a b/{unquote(key)}"),) == manifest.objects
