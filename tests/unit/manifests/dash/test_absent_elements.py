"""Any combination of missing remote elements and empty slots leaves a well-formed manifest."""

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from streaming.manifests.errors import NotAManifest
from tests.unit.manifests.dash.manifests import mpd, parse, sign

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
LINKS = st.sampled_from(
    [
        "",
        f' {XLINK} xlink:href="there.xml"',
        f' {XLINK} xlink:href="gone.xml" xlink:actuate="onLoad"',
        f' {XLINK} xlink:href="urn:mpeg:dash:resolve-to-zero:2013"',
    ]
)
TIMES = st.sampled_from(["", ' start="PT9S"', ' duration="PT4S"', ' start="PT6S" duration="PT4S"'])
LENGTHS = st.sampled_from(["", 'mediaPresentationDuration="PT20S"'])
BASES = st.sampled_from(["", "<BaseURL>b/</BaseURL>", "\n<BaseURL>film.mp4</BaseURL>"])
SEGMENTS = st.one_of(
    st.sampled_from(["", '<SegmentTemplate media="$Number$" duration="2"/>']),
    LINKS.map('\n<SegmentList duration="2"{}/>'.format),
    LINKS.map('<SegmentList duration="2"{}><SegmentURL media="1"/></SegmentList>'.format),
)
REPRESENTATIONS = st.builds(
    "\n<Representation{}>{}{}</Representation>".format, LINKS, BASES, SEGMENTS
)
SETS = st.builds(
    "\n<AdaptationSet{}>{}{}</AdaptationSet>".format,
    LINKS,
    SEGMENTS,
    st.lists(REPRESENTATIONS, max_size=2).map("".join),
)
PERIODS = st.builds(
    "\n<Period{}{}>{}{}{}</Period>".format,
    TIMES,
    LINKS,
    BASES,
    SEGMENTS,
    st.lists(SETS, max_size=2).map("".join),
)


@given(st.lists(PERIODS, min_size=1, max_size=3).map("".join), LENGTHS)
def test_well_formed(periods: str, length: str) -> None:
    """What is left is a manifest of the same elements, or there is none to play."""
    missing = frozenset({("video/gone.xml", "")})
    try:
        copy = parse(mpd(periods, length), missing=missing).render(sign).decode()
    except NotAManifest:
        return
    for element in ET.fromstring(copy).iter():
        is_text = element.tag.endswith("BaseURL")
        assert is_text or not (element.text or "").strip()
        assert not (element.tail or "").strip()
