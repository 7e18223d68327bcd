"""Templates and timelines produce the segments that the standard defines."""

from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.manifests.errors import NotAManifest
from tests.unit.manifests.dash.manifests import (
    before_and_after,
    mpd,
    one,
    parse,
    rewrite,
    signed,
)

WIDTHS = st.sampled_from(["", "%01d", "%05d", "%012d"])
NAMES = st.sampled_from(["Number", "Time"])


def timeline(entries: str) -> str:
    """Return a template with these entries in its timeline."""
    inner = f"<SegmentTimeline>{entries}</SegmentTimeline>"
    return f'<SegmentTemplate media="$Time$">{inner}</SegmentTemplate>'


@st.composite
def media_templates(draw: st.DrawFn) -> str:
    """Templates with different names for all segments, with every identifier and escape."""
    name, width = draw(NAMES), draw(WIDTHS)
    before = draw(
        st.sampled_from(["", "a/", "$RepresentationID$/", "$Bandwidth%08d$-", "50%-", "é "])
    )
    after = draw(
        st.sampled_from([".m4s", "-$$.m4s", "-$Bandwidth$.m4s", "%20x.mp4", "?q=$Number$"])
    )
    return f"{before}{name}-${name}{width}${after}"


@st.composite
def timelines(draw: st.DrawFn) -> str:
    """Timelines with gaps, repetitions, and a negative repetition if its end is known."""
    entries: list[str] = []
    time = draw(st.integers(0, 10**10))
    length = draw(st.integers(1, 5))
    follows_gap = False
    for index in range(length):
        duration = draw(st.integers(1, 10**6))
        starts = index == 0 or follows_gap or draw(st.booleans())
        repeat = draw(st.integers(0, 5))
        follows_open = index > 0 and 'r="-1"' in entries[-1]
        t = f' t="{time}"' if starts or follows_open else ""
        is_open = draw(st.booleans()) and index + 1 < length
        r = ' r="-1"' if is_open else f' r="{repeat}"' if repeat else ""
        entries.append(f'<S{t} d="{duration}"{r}/>')
        time += duration * (repeat + 1) + (0 if not is_open else draw(st.integers(0, 9)))
        # An entry without a time follows immediately. If it also has no end, it would fill the
        # gap, with a million segments if they are short.
        follows_gap = draw(st.booleans())
        if follows_gap:
            time += draw(st.integers(0, 20 * duration))
    return "<SegmentTimeline>" + "".join(entries) + "</SegmentTimeline>"


@given(
    media=media_templates(),
    entries=timelines(),
    scale=st.sampled_from([1, 1000, 90000]),
    start=st.integers(0, 10**6),
    offset=st.integers(0, 10**10),
)
@settings(max_examples=100, deadline=None)
def test_timeline(media: str, entries: str, scale: int, start: int, offset: int) -> None:
    """A template with a timeline becomes a list of the same URLs at the same times."""
    text = one(
        f'<SegmentTemplate media="{media}" initialization="$RepresentationID$-init.mp4"'
        f' timescale="{scale}" startNumber="{start}" presentationTimeOffset="{offset}">'
        f"{entries}</SegmentTemplate>"
    )
    before, after = before_and_after(text)
    assert before == after


@given(
    media=media_templates(),
    milliseconds=st.integers(1, 100_000),
    duration=st.integers(1000, 90_000),
    scale=st.sampled_from([100, 9000]),
    start=st.integers(0, 1000),
    offset=st.integers(0, 10**6),
    last=st.none() | st.integers(0, 200),
)
@settings(max_examples=100, deadline=None)
def test_fixed_duration(
    media: str,
    milliseconds: int,
    duration: int,
    scale: int,
    start: int,
    offset: int,
    last: int | None,
) -> None:
    """A template with a duration becomes as many segments as fit into the period."""
    end = "" if last is None else f' endNumber="{start + last}"'
    length = f"PT{milliseconds // 1000}.{milliseconds % 1000:03}S"
    text = mpd(
        '<Period><AdaptationSet><Representation id="v1" bandwidth="900">'
        f'<SegmentTemplate media="{media}" duration="{duration}" timescale="{scale}"'
        f' startNumber="{start}" presentationTimeOffset="{offset}"{end}/>'
        "</Representation></AdaptationSet></Period>",
        f'mediaPresentationDuration="{length}"',
    )
    before, after = before_and_after(text)
    assert [segment[0] for segment in before[0].segments] == [
        segment[0] for segment in after[0].segments
    ]
    assert before == after


def test_open_timeline_ends_with_the_period() -> None:
    """A last entry that repeats without an end fills its period, offset included."""
    text = one(
        '<SegmentTemplate media="$Time$.m4s" timescale="10" presentationTimeOffset="100">'
        '<SegmentTimeline><S t="100" d="25" r="-1"/></SegmentTimeline></SegmentTemplate>'
    )
    before, after = before_and_after(text)
    assert [s[0].rpartition("/")[2] for s in after[0].segments] == ["100.m4s", "125.m4s", "150.m4s"]
    assert before == after


def test_numbers_of_entries() -> None:
    """An entry's own number counts, and endNumber ends the timeline."""
    text = one(
        '<SegmentTemplate media="$Number$.m4s" endNumber="11"><SegmentTimeline>'
        '<S d="1"/><S n="10" d="1" r="8"/></SegmentTimeline></SegmentTemplate>'
    )
    before, after = before_and_after(text)
    assert [s[0].rpartition("/")[2] for s in after[0].segments] == ["1.m4s", "10.m4s", "11.m4s"]
    assert before == after


def test_one_entry_a_segment() -> None:
    """Each SegmentURL has its own S without a repetition, and there is no duration beside them."""
    text = rewrite(
        one(
            '<SegmentTemplate media="$Number$.m4s" duration="9" timescale="2"><SegmentTimeline>'
            '<S t="7" d="2" r="2"/><S t="20" d="3"/></SegmentTimeline></SegmentTemplate>'
        )
    )
    assert '<S t="7" d="2"/>\n<S d="2"/>\n<S d="2"/>\n<S t="20" d="3"/>' in text
    assert '<SegmentList timescale="2">' in text
    assert text.count("<SegmentURL ") == 4


def test_repetitions_of_a_list_are_written_out() -> None:
    """A timeline inside a SegmentList also gets one S per SegmentURL."""
    text = rewrite(
        one(
            '<SegmentList timescale="2" duration="4"><SegmentTimeline><S d="4" r="1"/>'
            '</SegmentTimeline><SegmentURL media="a"/><SegmentURL media="b"/></SegmentList>'
        )
    )
    assert '<SegmentTimeline>\n<S d="4"/>\n<S d="4"/>\n</SegmentTimeline>' in text
    assert '<SegmentList timescale="2">' in text


def test_open_list_ends_with_its_urls() -> None:
    """In a period without an end, a list's timeline with endless repetition fits its URLs."""
    text = one(
        '<SegmentList><SegmentTimeline><S d="4" r="-1"/></SegmentTimeline>'
        '<SegmentURL media="a"/><SegmentURL media="b"/></SegmentList>'
    ).replace(' mediaPresentationDuration="PT6S"', "")
    assert rewrite(text).count("<S ") == 2
    assert parse(text).duration_seconds == 8.0


def test_empty_timeline() -> None:
    """A timeline without entries is kept, because players require it."""
    text = (
        '<SegmentTemplate media="$Time$.m4s"><SegmentTimeline></SegmentTimeline></SegmentTemplate>'
    )
    assert "SegmentTimeline>" in rewrite(one(text))


def test_single_segment() -> None:
    """A template for one file, without a duration, is one segment of the period's length."""
    text = one('<SegmentTemplate media="subtitles.mp4" timescale="10"/>')
    before, after = before_and_after(text)
    assert before == after
    assert '<S t="0" d="60"/>' in rewrite(text)


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("$RepresentationID$-$Bandwidth$.m4s", "v1-900.m4s"),
        ("$Bandwidth%06d$-$Number%03d$.m4s", "000900-001.m4s"),
        ("$Number%01x$$Number%04X$.m4s", "10001.m4s"),
        ("cost$$$Number$.m4s", "cost$1.m4s"),
        ("odd$name-$Number$.m4s", "odd$name-1.m4s"),
        ("100%-$Number$.m4s?token=x", None),
        ("a%20b/$Number$.m4s", "a%20b/1.m4s"),
        ("x/../y/$Number$.m4s", "y/1.m4s"),
    ],
)
def test_template(template: str, url: str | None) -> None:
    """Identifiers, widths and escapes are replaced before the URL is resolved."""
    text = one(f'<SegmentTemplate media="{template}" duration="6"/>')
    expected = signed("video/" + unquote(url or "100%-1.m4s"))
    assert f'<SegmentURL media="{expected}"/>' in rewrite(text)


@pytest.mark.parametrize(
    "template",
    ["$Unknown$.m4s", "$SubNumber$.m4s", "$number$.m4s"],
)
def test_unknown_identifier(template: str) -> None:
    """An unknown identifier is rejected instead of signed literally."""
    with pytest.raises(NotAManifest, match="cannot be filled in"):
        parse(one(f'<SegmentTemplate media="{template}" duration="6"/>'))


@pytest.mark.parametrize(
    ("information", "reason"),
    [
        ('<SegmentTemplate media="$Number$" duration="0"/>', "zero"),
        ('<SegmentTemplate media="$Number$" duration="x"/>', "not a number"),
        ('<SegmentTemplate media="$Number$" duration="2" timescale="0"/>', "timescale"),
        ('<SegmentTemplate media="$Number$" duration="2" startNumber="1.5"/>', "startNumber"),
        ('<SegmentTemplate initialization="i.mp4"/>', "no @media"),
        (timeline("<S/>"), "@d"),
        (timeline('<S d="0" r="-1"/>'), "no duration"),
        (timeline('<S d="-1"/>'), "negative"),
        (timeline('<S d="1" r="-1"/><S d="2"/>'), "@t"),
    ],
)
def test_broken_timing(information: str, reason: str) -> None:
    """Segments that cannot be enumerated are rejected with the reason."""
    with pytest.raises(NotAManifest, match=reason):
        parse(one(information))


@pytest.mark.parametrize(
    "information",
    [
        '<SegmentTemplate media="$Number$" duration="2"/>',
        timeline('<S d="1" r="-1"/>'),
    ],
)
def test_live(information: str) -> None:
    """A presentation without an end is reported as live; a film has an end."""
    text = one(information).replace('mediaPresentationDuration="PT6S"', "")
    with pytest.raises(NotAManifest, match="live"):
        parse(text.replace("static", "dynamic"))


def test_dynamic_with_an_end() -> None:
    """A manifest of type dynamic whose segments are all known is signed like any other."""
    text = one('<SegmentTemplate media="$Number$.m4s" duration="2"/>').replace("static", "dynamic")
    assert rewrite(text).count("<SegmentURL ") == 3


@pytest.mark.parametrize(
    ("periods", "attributes", "expected"),
    [
        ("<Period/>", 'mediaPresentationDuration="PT1M2.5S"', 62.5),
        ("<Period/>", 'mediaPresentationDuration="P1DT1H1M1S"', 90061.0),
        ('<Period duration="PT4S"/><Period duration="PT2S"/>', "", 6.0),
        ('<Period start="PT0S"/><Period start="PT4S" duration="PT3S"/>', "", 7.0),
        ("<Period/>", "", None),
    ],
)
def test_duration(periods: str, attributes: str, expected: float | None) -> None:
    """The duration is the manifest's, or the end of its last period."""
    assert expected == parse(mpd(periods, attributes)).duration_seconds


def test_duration_from_segments() -> None:
    """If no level states a duration, the segments determine it."""
    text = one(
        '<SegmentTemplate media="$Time$" timescale="10" presentationTimeOffset="50">'
        '<SegmentTimeline><S t="50" d="20" r="3"/></SegmentTimeline></SegmentTemplate>'
    ).replace('mediaPresentationDuration="PT6S"', "")
    assert parse(text).duration_seconds == 8.0


def test_periods_share_time() -> None:
    """Each period's segments fill that period, however its length is stated."""
    inner = (
        '<AdaptationSet><SegmentTemplate media="$Number$.m4s" duration="2"/>'
        '<Representation id="v" bandwidth="1"/></AdaptationSet>'
    )
    text = mpd(
        f'<Period start="PT0S">{inner}</Period>'
        f'<Period start="PT8S" duration="PT3S">{inner}</Period>'
        f"<Period>{inner}</Period>",
        'mediaPresentationDuration="PT20S"',
    )
    before, after = before_and_after(text)
    assert [len(track.segments) for track in after] == [4, 2, 5]
    assert before == after
