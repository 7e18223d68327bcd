"""Remote elements (xlink:href): parts of a manifest in separate files."""

import pytest

from streaming.manifests.errors import NotAManifest, OutsideFilm
from streaming.manifests.references import Nested
from tests.unit.manifests.dash.manifests import ROOT, mpd, parse, sign, signed

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def copy_of(nested: Nested, body: str) -> str:
    """Return the signed copy of a remote element that contains ``body``."""
    manifest = parse(body, nested.path, variables=dict(nested.variables))
    return manifest.render(sign).decode()


def test_period() -> None:
    """A remote period gets a signed copy, resolved against the manifest that includes it."""
    manifest = parse(
        mpd(
            f'<BaseURL>media/</BaseURL><Period {XLINK} xlink:href="../parts/ad.xml"'
            ' xlink:actuate="onLoad"/>'
        )
    )
    text = manifest.render(sign).decode()
    assert f'xlink:href="{signed("video/parts/ad.xml", "copy")}" xlink:actuate="onLoad"' in text
    (nested,) = manifest.nested
    assert nested.path == "video/parts/ad.xml"
    period = (
        '<Period duration="PT4S"><AdaptationSet><SegmentTemplate media="$Number$" duration="2"/>'
        '<Representation id="a" bandwidth="1"/></AdaptationSet></Period>'
    )
    copy = copy_of(nested, f'<?xml version="1.0"?>\n{period}\n{period}')
    assert copy.count("<SegmentURL ") == 4
    assert signed("video/media/2") in copy
    assert copy.count("<Period ") == 2
    assert "remote" not in copy


def test_period_of_known_length() -> None:
    """A remote period without a duration has that of its place."""
    (nested,) = parse(mpd(f'<Period {XLINK} xlink:href="p.xml"/>')).nested
    copy = copy_of(
        nested,
        '<Period xmlns="urn:mpeg:dash:schema:mpd:2011"><AdaptationSet><Representation id="a">'
        '<SegmentTemplate media="$Number$" duration="2"/></Representation></AdaptationSet>'
        "</Period>",
    )
    assert copy.count("<SegmentURL ") == 3


def test_adaptation_set() -> None:
    """A remote adaptation set is enumerated over the period that includes it."""
    manifest = parse(
        mpd(f'<Period><BaseURL>p/</BaseURL><AdaptationSet {XLINK} xlink:href="set.xml"/></Period>')
    )
    (nested,) = manifest.nested
    assert nested.path == "video/p/set.xml"
    copy = copy_of(
        nested,
        '<AdaptationSet><BaseURL>s/</BaseURL><Representation id="a">'
        '<SegmentTemplate media="$Number$" duration="2"/></Representation></AdaptationSet>',
    )
    assert copy.count("<SegmentURL ") == 3
    assert signed("video/p/s/3") in copy
    assert "BaseURL" not in copy


def test_segment_list() -> None:
    """A remote segment list is resolved against the base of its representation."""
    manifest = parse(
        mpd(
            f'<Period><AdaptationSet><Representation id="a" {XLINK}><BaseURL>a/</BaseURL>'
            '<SegmentList duration="2" xlink:href="list.xml"/></Representation></AdaptationSet>'
            "</Period>"
        )
    )
    (nested,) = manifest.nested
    assert f'xlink:href="{signed("video/a/list.xml", "copy")}"' in manifest.render(sign).decode()
    copy = copy_of(nested, '<SegmentList duration="2"><SegmentURL media="1.m4s"/></SegmentList>')
    assert f'<SegmentURL media="{signed("video/a/1.m4s")}"/>' in copy


def test_other_elements() -> None:
    """A remote element without URLs in it is an object like any other."""
    manifest = parse(mpd(f'<Period><EventStream {XLINK} xlink:href="events.xml"/></Period>'))
    assert signed("video/events.xml") in manifest.render(sign).decode()
    assert manifest.nested == ()


@pytest.mark.parametrize(
    "href", ["urn:mpeg:dash:resolve-to-zero:2013", "https://ads.example/period.xml"]
)
def test_foreign(href: str) -> None:
    """References that resolve to zero, or to another host, are unchanged."""
    text = mpd(f'<Period {XLINK} xlink:href="{href}"/>')
    manifest = parse(text)
    assert text == manifest.render(sign).decode()
    assert manifest.nested == ()


def test_escape() -> None:
    """A remote element outside the film is rejected, and so is one that refers outside."""
    with pytest.raises(OutsideFilm):
        parse(mpd(f'<Period {XLINK} xlink:href="../../m2/p.xml"/>'))
    with pytest.raises(OutsideFilm):
        copy_of(
            Nested("p.xml", (("base_url", ROOT),)),
            "<Period><AdaptationSet><Representation><BaseURL>../m2/a.mp4</BaseURL>"
            "</Representation></AdaptationSet></Period>",
        )


@pytest.mark.parametrize("body", ["<Period>", "<!DOCTYPE a []><Period/>", "</remote><a>"])
def test_broken(body: str) -> None:
    """A remote element entity that is not well-formed is not a manifest."""
    with pytest.raises(NotAManifest):
        copy_of(Nested("p.xml", (("base_url", ROOT),)), body)
