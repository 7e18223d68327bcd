"""Segment information of every kind and level is signed, and inherited as by the standard."""

import pytest

from tests.unit.manifests.dash.manifests import before_and_after, mpd, one, parse, rewrite, signed


@pytest.mark.parametrize(
    ("information", "expected"),
    [
        ("<BaseURL>a.mp4</BaseURL>", ["video/a.mp4"]),
        (
            (
                '<BaseURL> a.mp4\n</BaseURL><SegmentBase indexRange="800-900">'
                '<Initialization range="0-799"/></SegmentBase>'
            ),
            ["video/a.mp4"],
        ),
        (
            (
                '<BaseURL>a.mp4</BaseURL><SegmentBase><Initialization sourceURL="i.mp4"/>'
                '<RepresentationIndex sourceURL="x.sidx" range="0-9"/></SegmentBase>'
            ),
            ["video/a.mp4", "video/i.mp4", "video/x.sidx"],
        ),
        (
            (
                '<SegmentList duration="3"><Initialization sourceURL="i.mp4"/>'
                '<BitstreamSwitching sourceURL="b.mp4"/>'
                '<SegmentURL media="1.m4s" index="1.sidx"/><SegmentURL media="2.m4s"/>'
                "</SegmentList>"
            ),
            ["video/i.mp4", "video/b.mp4", "video/1.m4s", "video/1.sidx", "video/2.m4s"],
        ),
        (
            (
                '<BaseURL>a.mp4</BaseURL><SegmentList duration="3"><Initialization range="0-9"/>'
                '<SegmentURL mediaRange="10-20"/><SegmentURL mediaRange="21-30"/></SegmentList>'
            ),
            ["video/a.mp4"],
        ),
        (
            (
                '<SegmentTemplate initialization="i.mp4" media="$Number$.m4s" index="$Number$.sidx"'
                ' bitstreamSwitching="b.mp4" duration="3"/>'
            ),
            [
                *("video/i.mp4", "video/b.mp4"),
                *("video/1.m4s", "video/1.sidx", "video/2.m4s", "video/2.sidx"),
            ],
        ),
        (
            '<SegmentTemplate index="x.sidx" media="$Number$.m4s" duration="6"/>',
            ["video/x.sidx", "video/1.m4s"],
        ),
        (
            (
                '<SegmentTemplate media="$Number$.m4s" duration="6">'
                '<Initialization sourceURL="i.mp4"/></SegmentTemplate>'
            ),
            ["video/i.mp4", "video/1.m4s"],
        ),
    ],
)
def test_segment_information(information: str, expected: list[str]) -> None:
    """In each kind of segment information URLs are signed, in order, with the same segments."""
    text = one(information)
    rewritten = rewrite(text)
    positions = [rewritten.index(f"{signed(path)}") for path in expected]
    assert sorted(positions) == positions
    assert len(expected) == rewritten.count("https://signed.example/")
    before, after = before_and_after(text)
    assert before == after


def test_template_becomes_a_list() -> None:
    """The list replaces the template; attributes and children not of a template stay with it."""
    text = one(
        '<SegmentTemplate timescale="10" duration="40" startNumber="7" media="$Number$.m4s"'
        ' initialization="$RepresentationID$.mp4" availabilityTimeOffset="INF">'
        "<FailoverContent/><!-- gone with the template --></SegmentTemplate>"
    )
    expected = one(
        '<SegmentList timescale="10" duration="40" availabilityTimeOffset="INF">\n'
        f'<Initialization sourceURL="{signed("video/v1.mp4")}"/>\n'
        "<FailoverContent/>\n"
        f'<SegmentURL media="{signed("video/7.m4s")}"/>\n'
        f'<SegmentURL media="{signed("video/8.m4s")}"/>\n'
        "</SegmentList>"
    )
    assert expected == rewrite(text)


def test_inheritance() -> None:
    """Attributes and children of all levels are merged, the innermost first; none stays above."""
    text = mpd(
        '<Period><SegmentTemplate timescale="10" initialization="$RepresentationID$/i.mp4"/>'
        '<AdaptationSet><SegmentTemplate duration="30" media="$Number$.m4s"/>'
        '<Representation id="a" bandwidth="1"/>'
        '<Representation id="b" bandwidth="2"><BaseURL>b/</BaseURL>'
        '<SegmentTemplate media="$Bandwidth$-$Number$.m4s"/></Representation></AdaptationSet>'
        '<AdaptationSet><Representation id="c" bandwidth="3"><SegmentTemplate media="$Time$">'
        '<SegmentTimeline><S d="60"/></SegmentTimeline></SegmentTemplate></Representation>'
        "</AdaptationSet></Period>"
    )
    before, after = before_and_after(text)
    assert before == after
    assert "SegmentTemplate" not in rewrite(text)
    assert "<Period>\n" not in rewrite(text)


def test_inherited_list() -> None:
    """A list that representations share is copied into each, resolved against its own base."""
    text = mpd(
        '<Period><AdaptationSet><SegmentList duration="3" timescale="1">'
        '<Initialization sourceURL="i.mp4"/><SegmentURL media="1.m4s"/>'
        '<SegmentURL media="2.m4s"/></SegmentList>'
        '<Representation id="a" bandwidth="1"><BaseURL>a/</BaseURL></Representation>'
        '<Representation id="b" bandwidth="1"><BaseURL>b/</BaseURL>'
        '<SegmentList presentationTimeOffset="5"/></Representation></AdaptationSet></Period>'
    )
    before, after = before_and_after(text)
    assert before == after
    assert rewrite(text).count("<SegmentList ") == 2
    assert "BaseURL" not in rewrite(text)


def test_inherited_from_below() -> None:
    """An outer list is also moved if it is, against the schema, after those that inherit it."""
    text = mpd(
        '<Period><AdaptationSet><Representation id="a" bandwidth="1"/>'
        '<SegmentList duration="3"><SegmentURL media="1.m4s"/><SegmentURL media="2.m4s"/>'
        "</SegmentList></AdaptationSet></Period>"
    )
    before, after = before_and_after(text)
    assert before == after
    assert rewrite(text).count("<SegmentList") == 1


def test_no_number_in_an_initialization() -> None:
    """All segments share their initialization: a number in its template is not a variable."""
    text = one('<SegmentTemplate media="$Number$" duration="6" initialization="$Number$.mp4"/>')
    path = "video/$Number$.mp4"
    assert f'<Initialization sourceURL="{signed(path)}"/>' in rewrite(text)


def test_inherited_segment_base() -> None:
    """A base without URLs stays in place; one with URLs moves into its representations."""
    without = one("<BaseURL>a.mp4</BaseURL>", '<SegmentBase indexRange="1-2"/>')
    assert without.replace(">a.mp4<", f">{signed('video/a.mp4')}<") == rewrite(without)
    text = one(
        "<BaseURL>x/a.mp4</BaseURL>",
        '<SegmentBase indexRange="1-2"><Initialization sourceURL="i.mp4"/></SegmentBase>',
    )
    before, after = before_and_after(text)
    assert before == after
    assert rewrite(text).index("<Representation") < rewrite(text).index("<SegmentBase")


def test_self_closing_representation() -> None:
    """A representation written as an empty tag gets a start and an end tag for its contents."""
    text = mpd(
        '<Period><AdaptationSet><BaseURL>all.mp4</BaseURL><SegmentList duration="3">'
        '<Initialization sourceURL="i.mp4"/><SegmentURL mediaRange="0-9"/></SegmentList>'
        '<Representation id="a" bandwidth="1" /></AdaptationSet></Period>'
    )
    expected = mpd(
        '<Period><AdaptationSet><Representation id="a" bandwidth="1" >'
        f"<BaseURL>{signed('video/all.mp4')}</BaseURL>"
        f'<SegmentList duration="3"><Initialization sourceURL="{signed("video/i.mp4")}"/>'
        '<SegmentURL mediaRange="0-9"/></SegmentList></Representation></AdaptationSet></Period>'
    )
    assert expected == rewrite(text)


def test_one_signature_an_object() -> None:
    """An object in many places, with many ranges, is signed once."""
    text = one(
        '<SegmentList duration="1"><Initialization sourceURL="a.mp4" range="0-9"/>'
        '<SegmentURL media="a.mp4" mediaRange="10-19"/>'
        '<SegmentURL media="./a.mp4" mediaRange="20-29"/>'
        '<SegmentURL media="a.mp4#t=1"/></SegmentList>'
    )
    asked: list[str] = []

    def url_for(reference: object) -> str:
        asked.append(str(reference))
        return "https://signed.example/a"

    rewritten = parse(text).render(url_for).decode()
    assert len(asked) == 1
    assert rewritten.count('"https://signed.example/a') == 4
    assert 'media="https://signed.example/a#t=1"' in rewritten


@pytest.mark.parametrize("urls", ['<SegmentURL mediaRange="0-9"/>', '<SegmentURL media="1"/>'])
def test_start_number_of_a_list(urls: str) -> None:
    """A list's default start number is omitted: ffmpeg skips as many segments as it says."""
    text = one(
        f'<BaseURL>a.mp4</BaseURL><SegmentList startNumber="1" duration="6">{urls}</SegmentList>'
    )
    assert '<SegmentList duration="6">' in rewrite(text)
    assert 'startNumber="0"' in rewrite(text.replace('startNumber="1"', 'startNumber="0"'))


def test_subtitles_and_thumbnails() -> None:
    """Text and image adaptation sets are signed like audio and video."""
    text = mpd(
        '<Period><AdaptationSet contentType="text" mimeType="text/vtt" lang="en">'
        '<Representation id="en" bandwidth="1"><BaseURL>../subs/en.vtt</BaseURL></Representation>'
        '</AdaptationSet><AdaptationSet contentType="image" mimeType="image/jpeg">'
        '<SegmentTemplate media="$RepresentationID$/tile_$Number$.jpg" duration="3"/>'
        '<Representation id="t" bandwidth="1" width="1024" height="1152"><EssentialProperty'
        ' schemeIdUri="http://dashif.org/thumbnail_tile" value="10x20"/></Representation>'
        "</AdaptationSet></Period>"
    )
    before, after = before_and_after(text)
    assert before == after
    assert signed("subs/en.vtt") in rewrite(text)


def test_empty_slots_do_not_count() -> None:
    """If a period that players remove follows, a period's length comes from the presentation."""
    slot = (
        '<Period xmlns:xlink="http://www.w3.org/1999/xlink"'
        ' xlink:href="urn:mpeg:dash:resolve-to-zero:2013" xlink:actuate="onLoad"/>'
    )
    film = (
        '<Period><AdaptationSet><Representation id="v"><SegmentTemplate media="$Number$.m4s"'
        ' duration="2"/></Representation></AdaptationSet></Period>'
    )
    assert rewrite(mpd(film + slot)).count("<SegmentURL") == 3
