"""Malicious manifests are rejected immediately, with little time and memory."""

import contextlib
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.manifests.dash import limits
from streaming.manifests.errors import ManifestError, ManifestTooLarge, NotAManifest
from tests.unit.manifests.dash.manifests import mpd, one, parse, rewrite, sign

HUGE = 999_999_999


def template(inner: str, attributes: str = "") -> str:
    """Return a manifest with a template that has these attributes and this timeline."""
    timeline = f"<SegmentTimeline>{inner}</SegmentTimeline>" if inner else ""
    return one(f'<SegmentTemplate media="$Number$.m4s"{attributes}>{timeline}</SegmentTemplate>')


def elements(count: int, element: str) -> str:
    """Return a manifest that repeats an element in its period."""
    return mpd(f"<Period>{element * count}</Period>")


MANY_URLS = "<SegmentURL media='a'/>" * 20_000
MANY_ENTRIES = "<S d='1'/>" * 20_000
INHERITED = "<Representation id='1' bandwidth='1'/>"

TOO_LARGE = {
    "repetitions": template(f'<S d="1" r="{HUGE}"/>'),
    "repetitions in a list": one(
        f'<SegmentList><SegmentTimeline><S d="1" r="{HUGE}"/></SegmentTimeline></SegmentList>'
    ),
    "an open timeline": template('<S t="0" d="1" r="-1"/>', f' timescale="{HUGE}"'),
    "an open timeline up to the next": template(f'<S d="1" r="-1"/><S t="{HUGE}" d="1"/>'),
    "many small timelines": mpd(
        "<Period><AdaptationSet><SegmentTemplate media='$Time$'><SegmentTimeline>"
        f"<S d='1' r='4999'/></SegmentTimeline></SegmentTemplate>{INHERITED * 30}"
        "</AdaptationSet></Period>"
    ),
    "short segments": template("", f' duration="1" timescale="{HUGE}"'),
    "a long film": template("", ' duration="1"').replace("PT6S", f"P{HUGE}Y"),
    "an end number": template("", f' duration="1" endNumber="{HUGE}"').replace("PT6S", "P1Y"),
    "many representations": elements(
        1, f"<AdaptationSet>{INHERITED * (limits.MAX_REPRESENTATIONS + 1)}</AdaptationSet>"
    ),
    "many elements": elements(limits.MAX_ELEMENTS, "<a/>"),
    "depth": elements(1, "<a>" * limits.MAX_DEPTH + "</a>" * limits.MAX_DEPTH),
    "bytes": elements(1, f"<!--{' ' * limits.MAX_BYTES}-->"),
    "a start tag": elements(1, f"<a b='{'c' * limits.MAX_START_TAG_BYTES}'/>"),
    "a template": one(f'<SegmentTemplate media="{"a" * 5000}" duration="1"/>'),
    "an id": one('<SegmentTemplate media="$RepresentationID$" duration="1"/>').replace(
        'id="v1"', f'id="{"a" * 5000}"'
    ),
    "a base": mpd(f"<BaseURL>{'a' * 5000}/</BaseURL>"),
    "stacked bases": mpd(
        f"<BaseURL>{'a' * 3000}/</BaseURL><Period><BaseURL>{'a' * 3000}/</BaseURL></Period>"
    ),
    "long URLs of many segments": mpd(
        f"<BaseURL>{'a' * 4000}/</BaseURL><Period><AdaptationSet><SegmentTemplate"
        f" media='$Number$' duration='1'/>{INHERITED}</AdaptationSet></Period>",
        'mediaPresentationDuration="PT99999S"',
    ),
    "padded times of many segments": mpd(
        f"<Period><AdaptationSet><SegmentTemplate media='{'$Time%99d$' * 40}'><SegmentTimeline>"
        f"<S d='1' r='99998'/></SegmentTimeline></SegmentTemplate>{INHERITED}"
        "</AdaptationSet></Period>"
    ),
    "padded numbers of many segments": mpd(
        f"<Period><AdaptationSet><SegmentTemplate media='{'$Number%99d$' * 40}' duration='1'/>"
        f"{INHERITED}</AdaptationSet></Period>",
        'mediaPresentationDuration="PT99999S"',
    ),
    "escaped URLs of many segments": mpd(
        f"<Period><AdaptationSet><SegmentTemplate media='{'文' * 330}$Number$' duration='1'/>"
        f"{INHERITED}</AdaptationSet></Period>",
        'mediaPresentationDuration="PT99999S"',
    ),
    "a list that all inherit": mpd(
        "<Period><AdaptationSet><SegmentList duration='1'>"
        f"{MANY_URLS}</SegmentList>{INHERITED * 50}"
        "</AdaptationSet></Period>"
    ),
    "a foreign template that all inherit": mpd(
        "<Period><SegmentTemplate media='https://cdn.example/$Number$' duration='1'"
        " initialization='i.mp4'><SegmentTimeline>"
        f"{MANY_ENTRIES}</SegmentTimeline></SegmentTemplate>"
        f"<AdaptationSet>{INHERITED * 5000}</AdaptationSet></Period>"
    ),
}


@pytest.mark.parametrize("text", TOO_LARGE.values(), ids=TOO_LARGE)
def test_too_large(text: str) -> None:
    """A manifest with excessive sizes is rejected before it is expanded."""
    with pytest.raises(ManifestTooLarge):
        parse(text.encode())


@pytest.mark.unmeasured
def test_memory() -> None:
    """A film of three hours, two-second segments and nine renditions needs little of a Lambda."""
    representations = INHERITED * 9
    text = mpd(
        '<Period><AdaptationSet><SegmentTemplate media="video/$Number$.m4s" duration="2"/>'
        f"{representations}</AdaptationSet></Period>",
        'mediaPresentationDuration="PT3H"',
    )
    tracemalloc.start()
    try:
        size = len(parse(text).render(lambda reference: sign(reference) + "x" * 300))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 48_600 * 300
    assert peak < 100 * 1024 * 1024


BROKEN = {
    "nothing": b"",
    "no XML": b"#EXTM3U\n",
    "HTML": b"<!DOCTYPE html><html></html>",
    "another root": b"<SmoothStreamingMedia/>",
    "a fragment": b"<Period/>",
    "unfinished": b"<MPD><Period>",
    "two roots": b"<MPD/><MPD/>",
    "an unknown prefix": b"<MPD><a:b/></MPD>",
    "not UTF-16": b"\xff\xfe<\0M\0\xd8",
    "an unknown encoding": b"<?xml version='1.0' encoding='nonsense'?><MPD/>",
    "an encoding of many bytes": b"<?xml version='1.0' encoding='shift_jis'?><MPD/>",
    "UTF-7": b"<?xml version='1.0' encoding='utf-7'?><MPD/>",
    "EBCDIC": "<?xml version='1.0' encoding='cp037'?><MPD/>".encode("cp037"),
    "a DTD": b"<!DOCTYPE MPD><MPD/>",
    "an outer DTD": b"<!DOCTYPE MPD SYSTEM 'http://evil.example/a.dtd'><MPD/>",
    "an entity": b"<!DOCTYPE MPD [<!ENTITY a 'b'>]><MPD>&a;</MPD>",
    "an outer entity": b"<!DOCTYPE MPD [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><MPD>&a;</MPD>",
    "a parameter entity": b"<!DOCTYPE MPD [<!ENTITY % a 'b'> %a;]><MPD/>",
    "an undeclared entity": b"<MPD>&a;</MPD>",
    "billions of laughs": b"<!DOCTYPE MPD [<!ENTITY a '"
    + b"ha" * 999
    + b"'><!ENTITY b '&a;&a;&a;'>]><MPD>&b;</MPD>",
    "a duration": b"<MPD mediaPresentationDuration='soon'/>",
    "an empty duration": b"<MPD mediaPresentationDuration='PT'/>",
    "an endless duration": b"<MPD mediaPresentationDuration='INF'/>",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_broken(body: bytes) -> None:
    """Other documents, and documents with entities, are rejected as not being a manifest."""
    with pytest.raises(NotAManifest):
        parse(body)


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    """For any bytes the result is a manifest or one of our errors."""
    with contextlib.suppress(ManifestError):
        parse(body).render(sign)


FRAGMENTS = st.sampled_from(
    [
        *("<MPD>", "</MPD>", "<Period>", "</Period>", "<AdaptationSet>", "</AdaptationSet>"),
        *("<Representation id='1' bandwidth='2'>", "</Representation>", "<Representation/>"),
        *("<BaseURL>", "</BaseURL>", "<BaseURL/>", "a/", "../", "https://cdn.example/", "a.mp4"),
        *("<SegmentBase/>", "<SegmentList duration='2'>", "</SegmentList>", "<SegmentURL/>"),
        *("<SegmentURL media='a'/>", "<Initialization/>", "<Initialization sourceURL='i'/>"),
        *("<SegmentTemplate media='$Number$' duration='2'/>", "<SegmentTemplate media='a'>"),
        *("</SegmentTemplate>", "<SegmentTimeline>", "</SegmentTimeline>", "<S d='2'/>", "<S/>"),
        *("<S t='1' d='2' r='-1'/>", "<S d='3' r='2'/>", "<Location>", "</Location>", "<!-- -->"),
        *("<ContentProtection>", "</ContentProtection>", "<![CDATA[a]]>", "&amp;", " ", "\n"),
    ]
)


@given(st.lists(FRAGMENTS, max_size=25), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_structure(parts: list[str], is_timed: bool) -> None:  # noqa: FBT001
    """For any structure the result is well-formed and rewrites to itself, or is rejected."""
    text = "".join(_closed(parts))
    attributes = " mediaPresentationDuration='PT6S'" if is_timed else ""
    try:
        once = rewrite(f"<MPD{attributes}>{text}</MPD>")
    except ManifestError:
        return
    assert once == rewrite(once)


def _closed(parts: list[str]) -> list[str]:
    """Return the parts with all elements closed in the right order."""
    opened: list[str] = []
    closed: list[str] = []
    for part in parts:
        name = part.strip("</>").partition(" ")[0]
        if part.startswith("</"):
            if name not in opened:
                continue
            while opened:
                last = opened.pop()
                closed.append(f"</{last}>")
                if last == name:
                    break
        elif part.startswith("<") and not part.endswith("/>") and part[1] != "!":
            opened.append(name)
            closed.append(part)
        else:
            closed.append(part)
    return [*closed, *(f"</{name}>" for name in reversed(opened))]


def test_white_space_in_the_declaration() -> None:
    """The declaration of a manifest in UTF-16 is searched once, not once for each space in it."""
    with pytest.raises(NotAManifest):
        parse(("<?xml" + " " * 4_000_000 + "?><MPD/>").encode("utf-16"))
