"""Remote elements (xlink:href): parts of a manifest in separate files."""

import pytest

from streaming.manifests.errors import NotAManifest, OutsideFilm
from streaming.manifests.references import Nested
from tests.unit.manifests.dash.manifests import ROOT, mpd, one, parse, rewrite, sign, signed

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


FILM = (
    "<AdaptationSet><Representation id='v'><SegmentTemplate media='$Number$.m4s' duration='2'/>"
    "</Representation></AdaptationSet>"
)


@pytest.mark.parametrize("href", ["ad.xml", "https://ads.example/ad.xml"])
@pytest.mark.parametrize("order", ["{film}{ad}", "{ad}{film}", "{film}{ad}{film}"])
def test_periods_beside_a_remote_one(order: str, href: str) -> None:
    """A period whose length follows from a remote one has at most the presentation's length."""
    ad = f'<Period {XLINK} xlink:href="{href}"/>'
    film = f"<Period>{FILM}</Period>"
    copy = parse(mpd(order.format(film=film, ad=ad))).render(sign).decode()
    assert copy.count("<SegmentURL ") == 3 * order.count("film")


@pytest.mark.parametrize("href", ["ad.xml", "https://ads.example/ad.xml"])
def test_content_that_is_replaced(href: str) -> None:
    """A remote period plays if its own content, which players replace, cannot be signed."""
    text = mpd(f'<Period {XLINK} xlink:href="{href}">{FILM}</Period>', "")
    (found,) = parse(text).nested or (None,)
    copy = parse(text).render(sign).decode()
    assert "<SegmentTemplate" not in copy
    assert (found and found.path) == ("video/ad.xml" if href == "ad.xml" else None)


def test_the_default_content_stays() -> None:
    """The content of a remote period is signed, for players that cannot load the remote one."""
    text = mpd(f'<Period {XLINK} xlink:href="ad.xml">{FILM}</Period>')
    assert parse(text).render(sign).decode().count("<SegmentURL ") == 3


def test_one_remote_period_in_two_places() -> None:
    """A remote period without a length that is used twice has segments for the longer place."""
    place = f'<Period duration="PT{{}}S" {XLINK} xlink:href="ad.xml"/>'
    for lengths in ((2, 6), (6, 2)):
        (nested,) = parse(mpd("".join(map(place.format, lengths)))).nested
        assert copy_of(nested, f"<Period>{FILM}</Period>").count("<SegmentURL ") == 3


@pytest.mark.parametrize("attribute", ["xlink:actuate='onLoad'", "cenc:default_KID='1'"])
def test_prefixes_are_declared_for_remote_elements(attribute: str) -> None:
    """A remote element may use usual prefixes without declaring them, as dash.js allows."""
    nested = Nested("p.xml", (("base_url", f"{ROOT}video/"), ("period_nanoseconds", "6" + "0" * 9)))
    copy = copy_of(nested, f"<Period {attribute}>{FILM}</Period>")
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


LINK = f'{XLINK} xlink:href="gone.xml" xlink:actuate="onLoad"'
GONE = frozenset({("video/gone.xml", "")})


@pytest.mark.parametrize(
    ("element", "place"),
    [
        ("<Period {0}/>", "{}"),
        ("<Period {0}><BaseURL>x/</BaseURL></Period>", "{}"),
        ("<Period><AdaptationSet {0}/></Period>", "{}"),
        ("<AdaptationSet {0}/>", "<Period>{}<AdaptationSet/></Period>"),
        ("<EventStream {0}/>", "<Period>{}</Period>"),
    ],
)
def test_missing(element: str, place: str) -> None:
    """An element without content that refers to a missing one is removed, so that players start."""
    text = mpd(place.format(element.format(LINK)) + "<Period/>")
    assert rewrite(text, missing=GONE) == mpd(place.format("") + "<Period/>")
    assert parse(text, missing=GONE).nested == ()


@pytest.mark.parametrize("set_link", ["", f" {LINK}"])
@pytest.mark.parametrize("period_link", ["", f" {LINK}"])
def test_missing_with_content(period_link: str, set_link: str) -> None:
    """The element's own content plays instead of the missing one."""
    text = mpd(
        f"<Period{period_link}><AdaptationSet{set_link}><Representation id='a'>"
        "<SegmentTemplate media='$Number$' duration='2'/></Representation></AdaptationSet></Period>"
    )
    plain = text.replace(f" {LINK}", f" {XLINK}")
    assert rewrite(text, missing=GONE) == rewrite(plain)


SLOT = f'<Period {XLINK} xlink:href="urn:mpeg:dash:resolve-to-zero:2013" start="PT4S"/>'


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        (f"<Period/>{SLOT}", 'mediaPresentationDuration="PT4S"|<Period/>'),
        (f"<Period/>{SLOT}<Period/>", '|<Period/><Period start="PT4S"/>'),
        (f'<Period/>{SLOT}<Period start="PT5S"/>', '|<Period/><Period start="PT5S"/>'),
        (f'<Period duration="PT4S"/>{SLOT}', '|<Period duration="PT4S"/>'),
        (f"{SLOT}<Period/>", "|<Period/>"),
        (
            f"<Period/>{SLOT}{SLOT.replace('PT4S', 'PT5S')}",
            'mediaPresentationDuration="PT4S"|<Period/>',
        ),
    ],
)
def test_start_of_an_empty_slot(periods: str, expected: str) -> None:
    """The start of a removed period is the end of the one before it."""
    added, _, left = expected.partition("|")
    plain = mpd(left, "").replace("<MPD ", f"<MPD {added} " if added else "<MPD ")
    assert rewrite(mpd(periods, "")) == plain


@pytest.mark.parametrize(
    ("order", "lengths"),
    [
        ('<Period duration="PT6S">{0}</Period>{1}<Period>{0}</Period>', "PT12.000000000S"),
        ("<Period>{0}</Period>{1}", "PT12.000000000S"),
        ('<Period duration="PT6S">{0}</Period>{1}<Period start="PT10S">{0}</Period>', "PT16S"),
    ],
)
def test_duration_of_a_missing_period(order: str, lengths: str) -> None:
    """The presentation is shorter by a missing period, unless a later period states its start."""
    missing = f'<Period duration="PT4S" {LINK}/>'
    text = mpd(order.format(FILM, missing), 'mediaPresentationDuration="PT16S"')
    copy = rewrite(text, missing=GONE)
    assert f'mediaPresentationDuration="{lengths}"' in copy
    assert copy.count("<SegmentURL ") == 6


@pytest.mark.parametrize(
    ("periods", "length"),
    [
        (f'<Period>{{}}</Period><Period start="PT6S" {LINK}/>', 'mediaPresentationDuration="PT9S"'),
        (
            f'<Period duration="PT6S">{{}}</Period><Period {LINK}/>',
            'mediaPresentationDuration="PT9S"',
        ),
        (f'<Period>{{}}</Period><Period start="PT6S" duration="PT3S" {LINK}/>', ""),
    ],
)
def test_end_of_what_precedes_a_missing_period(periods: str, length: str) -> None:
    """A presentation ends where its last period, which is missing, would have begun."""
    manifest = parse(mpd(periods.format(FILM), length), missing=GONE)
    copy = manifest.render(sign).decode()
    assert manifest.duration_seconds == 6
    assert copy.count("<SegmentURL ") == 3
    assert copy.count('mediaPresentationDuration="PT6') == 1


def test_missing_segment_list() -> None:
    """The segments that the manifest contains play instead of the missing list."""
    text = one(f'<SegmentList duration="3" {LINK}><SegmentURL media="1.m4s"/></SegmentList>')
    assert rewrite(text, missing=GONE) == rewrite(text.replace(LINK, XLINK))


def test_missing_segment_list_without_content() -> None:
    """A representation without segments is removed, and so is an adaptation set of such ones."""
    lost = (
        f'<Representation id="b" bandwidth="2"><SegmentList duration="2" {LINK}/></Representation>'
    )
    beside = FILM.replace("</AdaptationSet>", f"{lost}</AdaptationSet>")
    text = mpd(f"<Period>{beside}<AdaptationSet>{lost}{lost}</AdaptationSet></Period>")
    assert rewrite(text, missing=GONE) == rewrite(mpd(f"<Period>{FILM}</Period>"))


def test_missing_with_content_that_cannot_be_signed() -> None:
    """A period is removed if neither it nor its remote one can be signed."""
    text = mpd(f'<Period duration="PT6S"/><Period {LINK}>{FILM}</Period>', "")
    assert rewrite(text, missing=GONE) == mpd('<Period duration="PT6S"/>', "")


def test_missing_period_before_one_that_cannot_be_signed() -> None:
    """A period that is removed gets no start from the missing one before it."""
    text = mpd(f'<Period duration="PT6S"/><Period/><Period start="PT9S" {LINK}/>', "")
    following = f"<Period {LINK}>{FILM}</Period></MPD>"
    expected = mpd('<Period duration="PT6S"/><Period/>', "")
    assert rewrite(text.replace("</MPD>", following), missing=GONE) == expected


@pytest.mark.parametrize("href", ["urn:mpeg:dash:resolve-to-zero:2013", "gone.xml"])
def test_absent_representation(href: str) -> None:
    """A representation that is removed inherits no segments."""
    slot = f'<Representation {XLINK} xlink:href="{href}"/>'
    text = mpd(
        "<Period><AdaptationSet><SegmentTemplate media='$Number$.m4s' duration='2'/>"
        "<Representation id='v'/>{}</AdaptationSet></Period>"
    )
    assert rewrite(text.format(slot), missing=GONE) == rewrite(text.format(""))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '<SupplementalProperty schemeIdUri="urn:mpeg:dash:chaining:2016" value="gone.xml"/>',
            "",
        ),
        (
            '<SupplementalProperty schemeIdUri="urn:mpeg:dash:chaining:2016" value="gone.xml https://a.example/b"/>',
            '<SupplementalProperty schemeIdUri="urn:mpeg:dash:chaining:2016" value="https://a.example/b"/>',
        ),
        (
            '<Period><EventStream><InsertPresentation url="gone.xml"/></EventStream></Period>',
            "<Period><EventStream></EventStream></Period>",
        ),
        ("<Period><ImportedMPD>gone.xml</ImportedMPD></Period>", "<Period></Period>"),
    ],
)
def test_missing_manifests(text: str, expected: str) -> None:
    """What refers to a missing manifest only is removed."""
    assert rewrite(mpd(f"{text}<Period/>"), missing=GONE) == mpd(f"{expected}<Period/>")


@pytest.mark.parametrize(
    "link", [LINK, LINK.replace("gone.xml", "urn:mpeg:dash:resolve-to-zero:2013")]
)
def test_without_any_period_there_is_no_film(link: str) -> None:
    """A manifest all of whose periods are removed is unplayable."""
    with pytest.raises(NotAManifest, match="no period"):
        parse(mpd(f"<Period {link}/>"), missing=GONE)


@pytest.mark.parametrize("body", ["<Period>", "<!DOCTYPE a []><Period/>", "</remote><a>"])
def test_broken(body: str) -> None:
    """A remote element entity that is not well-formed is not a manifest."""
    with pytest.raises(NotAManifest):
        copy_of(Nested("p.xml", (("base_url", ROOT),)), body)
