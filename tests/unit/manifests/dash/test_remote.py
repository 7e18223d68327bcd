"""Remote elements (xlink:href): parts of a manifest in separate files."""

import pytest

from streaming.manifests.errors import OutsideFilm
from streaming.manifests.references import Nested
from tests.unit.manifests.dash.manifests import ROOT, mpd, parse, sign, signed
from tests.unit.manifests.dash.remote import ADAPTATION_SET, XLINK, copy_of


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


def test_events() -> None:
    """Remote events get a signed copy, because they may refer to manifests."""
    manifest = parse(mpd(f'<Period><EventStream {XLINK} xlink:href="events.xml"/></Period>'))
    assert signed("video/events.xml", "copy") in manifest.render(sign).decode()
    (nested,) = manifest.nested
    event = '<EventStream><Event><InsertPresentation url="{}"/></Event></EventStream>'
    expected = event.format(signed("video/ad.mpd", "copy"))
    assert copy_of(nested, event.format("ad.mpd")) == expected


@pytest.mark.parametrize(
    ("slot", "place"),
    [
        ("<Period {0}/>", "{}"),
        ("<Period {0}><AdaptationSet/></Period>", "{}"),
        ("<Period><AdaptationSet {0}/></Period>", "{}"),
        ("<AdaptationSet {0}/>", "<Period>{}<AdaptationSet/></Period>"),
        ("<EventStream {0}/>", "<Period>{}</Period>"),
        ("<SegmentList {0}/>", "<Period>{}</Period>"),
        (
            "<SegmentList {0}/>",
            '<Period><AdaptationSet>{}<Representation id="a"/></AdaptationSet></Period>',
        ),
        (
            "<SegmentList {0}/>",
            "<Period><AdaptationSet><Representation>{}</Representation></AdaptationSet></Period>",
        ),
    ],
)
def test_empty_slots_are_removed(slot: str, place: str) -> None:
    """An element that resolves to zero is removed, as players remove it."""
    empty = slot.format(f'{XLINK} xlink:href="urn:mpeg:dash:resolve-to-zero:2013"')
    manifest = parse(mpd(place.format(empty) + "<Period/>"))
    assert mpd(place.format("") + "<Period/>") == manifest.render(sign).decode()
    assert manifest.nested == ()


@pytest.mark.parametrize("href", ["ad.xml", "https://ads.example/ad.xml"])
@pytest.mark.parametrize("order", ["{film}{ad}", "{ad}{film}", "{film}{ad}{film}"])
def test_periods_beside_a_remote_one(order: str, href: str) -> None:
    """A period whose length follows from a remote one has at most the presentation's length."""
    ad = f'<Period {XLINK} xlink:href="{href}"/>'
    film = f"<Period>{ADAPTATION_SET}</Period>"
    copy = parse(mpd(order.format(film=film, ad=ad))).render(sign).decode()
    assert copy.count("<SegmentURL ") == 3 * order.count("film")


@pytest.mark.parametrize("href", ["ad.xml", "https://ads.example/ad.xml"])
def test_content_that_is_replaced(href: str) -> None:
    """A remote period plays if its own content, which players replace, cannot be signed."""
    text = mpd(f'<Period {XLINK} xlink:href="{href}">{ADAPTATION_SET}</Period>', "")
    (found,) = parse(text).nested or (None,)
    copy = parse(text).render(sign).decode()
    assert "<SegmentTemplate" not in copy
    assert (found and found.path) == ("video/ad.xml" if href == "ad.xml" else None)


def test_the_default_content_stays() -> None:
    """The content of a remote period is signed, for players that cannot load the remote one."""
    text = mpd(f'<Period {XLINK} xlink:href="ad.xml">{ADAPTATION_SET}</Period>')
    assert parse(text).render(sign).decode().count("<SegmentURL ") == 3


def test_one_remote_period_in_two_places() -> None:
    """A remote period without a length that is used twice has segments for the longer place."""
    place = f'<Period duration="PT{{}}S" {XLINK} xlink:href="ad.xml"/>'
    for lengths in ((2, 6), (6, 2)):
        (nested,) = parse(mpd("".join(map(place.format, lengths)))).nested
        assert copy_of(nested, f"<Period>{ADAPTATION_SET}</Period>").count("<SegmentURL ") == 3


@pytest.mark.parametrize("attribute", ["xlink:actuate='onLoad'", "cenc:default_KID='1'"])
def test_prefixes_are_declared_for_remote_elements(attribute: str) -> None:
    """A remote element may use usual prefixes without declaring them, as dash.js allows."""
    nested = Nested("p.xml", (("base_url", f"{ROOT}video/"), ("period_nanoseconds", "6" + "0" * 9)))
    copy = copy_of(nested, f"<Period {attribute}>{ADAPTATION_SET}</Period>")
    assert copy.startswith(f"<Period {attribute}>")
    assert copy.count("<SegmentURL ") == 3


def test_foreign() -> None:
    """References to another host are unchanged."""
    text = mpd(f'<Period {XLINK} xlink:href="https://ads.example/period.xml"/>')
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
