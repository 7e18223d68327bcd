"""Parsers that know nothing of the rewriter find every kind of manifest unchanged but for URLs.

``tests/data/manifests`` has one small manifest for each place that can hold a URL, and one in the
manner of each packager that is widely used.
"""

from pathlib import Path

import pytest

from tools.corpus.verdicts import Bench

MANIFESTS = Path(__file__).parent.parent / "data" / "manifests"
HLS = sorted((MANIFESTS / "hls").glob("*.m3u8"))
DASH = sorted((MANIFESTS / "dash").glob("*.mpd"))

# Parsers that stumble over the original, and so have nothing to compare.
STUMBLES = {
    "bytes-crlf-bom": {"m3u8-parser"},  # spaces in an attribute list
    "unicode-names": {"hls-parser"},  # decodes a URI twice
    "float-duration": {"mpegdash"},
    "prefixed-crlf-bom": {"mpd-parser"},  # knows no prefix
}


def by_name(path: Path) -> str:
    """Return the name of a fixture for the list of tests."""
    return path.stem


@pytest.mark.parametrize("path", HLS, ids=by_name)
def test_hls(path: Path, bench: Bench) -> None:
    """An HLS playlist says the same, its URLs are signed, and foreign ones are as they were."""
    verdict = bench.judge(
        path.read_bytes(), "hls", variables={"name": "film"}, query="take=2&x=%20"
    )
    assert verdict.faults == []
    assert verdict.no_film is None
    assert STUMBLES.get(path.stem, set()) == set(verdict.rejected)


@pytest.mark.parametrize("path", DASH, ids=by_name)
def test_dash(path: Path, bench: Bench) -> None:
    """An MPD has the same segments at the same times, signed, and the same of all else."""
    verdict = bench.judge(path.read_bytes(), "dash")
    assert verdict.faults == []
    assert verdict.no_film is None
    assert STUMBLES.get(path.stem, set()) == set(verdict.rejected)


def test_every_carrier_has_a_fixture() -> None:
    """The fixtures hold every tag and attribute that can carry a URI, so none goes unjudged."""
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
