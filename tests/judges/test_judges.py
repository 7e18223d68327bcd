"""The parsers themselves detect manifests that were rewritten wrongly."""

import pytest

from streaming.manifests import dash, hls
from streaming.manifests.references import Reference
from tools.corpus import python_judges
from tools.corpus.addresses import DIRECTORY, Addresses, sign
from tools.corpus.differences import differences
from tools.corpus.leftovers import unsigned
from tools.corpus.verdicts import Bench

PLAYLIST = """\
#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-KEY:METHOD=AES-128,URI="k.key"
#EXTINF:4,
a.ts
#EXTINF:3,
https://cdn.example/b.ts
#EXT-X-ENDLIST
"""

MPD = """\
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT4S">
<Period><AdaptationSet mimeType="video/mp4" lang="en">
<SegmentTemplate media="$Number$.m4s" initialization="i.mp4" duration="2"/>
<Representation id="v" bandwidth="1"/>
</AdaptationSet></Period></MPD>
"""

FAULTS_OF_A_PLAYLIST = {
    "another key": ("object/{d}k.key", "object/{d}other.key"),
    "an unsigned segment": ("https://signed.example/object/{d}a.ts?signature=1&expires=2", "a.ts"),
    "a signed foreign segment": ("https://cdn.example/b.ts", "https://signed.example/object/b.ts"),
    "a foreign segment touched": ("https://cdn.example/b.ts", "https://cdn.example/b.ts?x"),
    "another duration": ("#EXTINF:3,", "#EXTINF:3.5,"),
    "a lost segment": ("#EXTINF:3,\nhttps://cdn.example/b.ts\n", ""),
    "a lost end": ("#EXT-X-ENDLIST\n", ""),
}
FAULTS_OF_AN_MPD = {
    "a number too high": ("{d}1.m4s", "{d}2.m4s"),
    "a segment too few": ('<SegmentURL media="https://signed.example/object/{d}2.m4s', '<X y="'),
    "another duration": ('duration="2"', 'duration="3"'),
    "another initialization": ("{d}i.mp4", "{d}j.mp4"),
    "another language": ('lang="en"', 'lang="de"'),
}


@pytest.mark.parametrize("fault", FAULTS_OF_A_PLAYLIST)
@pytest.mark.parametrize("judge", ["m3u8", "openm3u8", "m3u8-parser", "hls-parser"])
def test_a_fault_in_a_playlist_is_found(fault: str, judge: str, bench: Bench) -> None:
    """Every HLS parser detects an error in a playlist."""
    addresses = Addresses(DIRECTORY + "index.m3u8")
    manifest = hls.parse(PLAYLIST.encode(), path=addresses.path, film=addresses.film)
    right = manifest.render(sign).decode()
    old, new = (each.format(d=DIRECTORY) for each in FAULTS_OF_A_PLAYLIST[fault])
    assert old in right
    before, good, bad = (
        bench.see("hls", text, addresses)[judge]["view"]
        for text in (PLAYLIST, right, right.replace(old, new))
    )
    assert list(differences(before, good, addresses)) == []
    assert list(differences(before, bad, addresses)) != []


@pytest.mark.parametrize("fault", FAULTS_OF_AN_MPD)
def test_a_fault_in_an_mpd_is_found(fault: str, bench: Bench) -> None:
    """At least one DASH parser detects an error in an MPD, and none rejects a correct one."""
    addresses = Addresses(DIRECTORY + "index.mpd")
    manifest = dash.parse(MPD.encode(), path=addresses.path, film=addresses.film)
    right = manifest.render(sign).decode()
    old, new = (each.format(d=DIRECTORY) for each in FAULTS_OF_AN_MPD[fault])
    assert old in right
    before, good, bad = (
        bench.see("dash", text, addresses) for text in (MPD, right, right.replace(old, new))
    )
    finds = {
        name: list(differences(before[name]["view"], bad[name].get("view"), addresses))
        for name in before
    }
    assert any(finds.values())
    for name, seen in before.items():
        assert list(differences(seen["view"], good[name]["view"], addresses)) == []


def test_a_url_that_parsers_overlook_is_found() -> None:
    """An unsigned URL in a tag or element that no parser knows is also an error."""
    addresses = Addresses(DIRECTORY + "index.m3u8")
    text = '#EXTM3U\n#EXT-X-FUTURE:NAME="a, URI=b",URI="left.bin"\n'
    assert list(unsigned("hls", text, addresses)) == ["line 2, URI: 'left.bin'"]
    text = '<MPD><BaseURL>x/</BaseURL><Y sourceURL="left.bin"/></MPD>'
    assert len(list(unsigned("dash", text, addresses))) == 2


def test_one_signature_is_as_good_as_another_only_for_the_same_object() -> None:
    """The comparison considers the object of a signed URL, not the signature."""
    addresses = Addresses("a/index.m3u8")
    signed = sign(Reference("a/b c.ts"))
    assert addresses.of(signed).path == addresses.of("b%20c.ts").path
    assert addresses.of(signed).path != addresses.of("../b%20c.ts").path


def test_an_endless_presentation_is_no_film(bench: Bench) -> None:
    """A live MPD is recognized by its contents, not by the rewriter's rejection."""
    verdict = bench.judge(MPD.replace(' mediaPresentationDuration="PT4S"', "").encode(), "dash")
    assert verdict.no_film == "a live presentation: its segments have no end"


def test_a_parser_that_raises_rejects() -> None:
    """A parser's exception counts as its verdict on the original, not as our error."""
    seen = python_judges.see("hls", "#EXTM3U\n#EXT-X-TARGETDURATION:x\n", Addresses("a.m3u8"))
    assert "ValueError" in seen["m3u8"]["error"]
