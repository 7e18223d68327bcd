"""Independent parsers find every kind of manifest unchanged except for its URLs.

``tests/data/manifests`` contains one small manifest for each element that can hold a URL, and one
in the style of each widely used packager.
"""

from pathlib import Path

import pytest

from tools.corpus.verdicts import Bench

MANIFESTS = Path(__file__).parent.parent / "data" / "manifests"
HLS = sorted((MANIFESTS / "hls").glob("*.m3u8"))
DASH = sorted((MANIFESTS / "dash").glob("*.mpd"))

# Parsers that fail on the original, so that there is nothing to compare.
STUMBLES = {
    "bytes-crlf-bom": {"m3u8-parser"},  # spaces in an attribute list
    "unicode-names": {"hls-parser"},  # decodes a URI twice
    "float-duration": {"mpegdash"},
    "prefixed-crlf-bom": {"mpd-parser"},  # does not support prefixes
}


def by_name(path: Path) -> str:
    """Return a fixture's name as test id."""
    return path.stem


@pytest.mark.parametrize("path", HLS, ids=by_name)
def test_hls(path: Path, bench: Bench) -> None:
    """An HLS playlist has the same contents, its URLs are signed, and foreign ones unchanged."""
    verdict = bench.judge(
        path.read_bytes(), "hls", variables={"name": "film"}, query="take=2&x=%20"
    )
    assert verdict.faults == []
    assert verdict.no_film is None
    assert STUMBLES.get(path.stem, set()) == set(verdict.rejected)


@pytest.mark.parametrize("path", DASH, ids=by_name)
def test_dash(path: Path, bench: Bench) -> None:
    """An MPD has the same segments at the same times, signed, and all else unchanged."""
    verdict = bench.judge(path.read_bytes(), "dash")
    assert verdict.faults == []
    assert verdict.no_film is None
    assert STUMBLES.get(path.stem, set()) == set(verdict.rejected)


def test_every_carrier_has_a_fixture() -> None:
    """The fixtures contain every tag and attribute that can hold a URI, so all are checked."""
    hls = "".join(path.read_text() for path in HLS)
    dash = "".join(path.read_text() for path in DASH)
    for tag in ("KEY", "SESSION-KEY", "MAP", "MEDIA", "I-FRAME-STREAM-INF", "IMAGE-STREAM-INF"):
        assert f"#EXT-X-{tag}:" in hls
    for tag in ("SESSION-DATA", "PART", "PRELOAD-HINT", "RENDITION-REPORT", "CONTENT-STEERING"):
        assert f"#EXT-X-{tag}:" in hls
    for attribute in ("X-ASSET-URI", "X-ASSET-LIST", "IMPORT", "QUERYPARAM"):
        assert f"{attribute}=" in hls
    for name in ("BaseURL>", "<Location", "<PatchLocation", "xlink:href", "<RepresentationIndex"):
        assert name in dash
    for name in ("$Number$", "$Time$", "$RepresentationID$", "$Bandwidth$", "$$", 'r="-1"'):
        assert name in dash
