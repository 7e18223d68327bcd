"""Remote elements (xlink:href) that do not exist: the rest of the film plays."""

import pytest

from streaming.manifests.errors import NotAManifest
from streaming.manifests.references import Nested
from tests.unit.manifests.dash.manifests import ROOT, mpd, one, parse, rewrite, sign
from tests.unit.manifests.dash.remote import ADAPTATION_SET, XLINK, copy_of

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
    text = mpd(order.format(ADAPTATION_SET, missing), 'mediaPresentationDuration="PT16S"')
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
    manifest = parse(mpd(periods.format(ADAPTATION_SET), length), missing=GONE)
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
    beside = ADAPTATION_SET.replace("</AdaptationSet>", f"{lost}</AdaptationSet>")
    text = mpd(f"<Period>{beside}<AdaptationSet>{lost}{lost}</AdaptationSet></Period>")
    assert rewrite(text, missing=GONE) == rewrite(mpd(f"<Period>{ADAPTATION_SET}</Period>"))


def test_missing_with_content_that_cannot_be_signed() -> None:
    """A period is removed if neither it nor its remote one can be signed."""
    text = mpd(f'<Period duration="PT6S"/><Period {LINK}>{ADAPTATION_SET}</Period>', "")
    assert rewrite(text, missing=GONE) == mpd('<Period duration="PT6S"/>', "")


def test_missing_period_before_one_that_cannot_be_signed() -> None:
    """A period that is removed gets no start from the missing one before it."""
    text = mpd(f'<Period duration="PT6S"/><Period/><Period start="PT9S" {LINK}/>', "")
    following = f"<Period {LINK}>{ADAPTATION_SET}</Period></MPD>"
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
