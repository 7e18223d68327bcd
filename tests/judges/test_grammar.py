"""Manifests that hypothesis generates from the grammar, checked by the same parsers."""

from xml.sax.saxutils import quoteattr

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.corpus.verdicts import Bench

MADE = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

NAMES = st.text("abcXYZ0189-_.~ +()äß日", min_size=1, max_size=8).map(lambda t: f"n{t.strip()}x")
PATHS = st.builds(
    lambda up, folders, name: up + "".join(f"{folder}/" for folder in folders) + name,
    st.sampled_from(["", "", "./", "../", "../../", "/"]),
    st.lists(NAMES, max_size=2),
    NAMES,
)
REFERENCES = st.one_of(
    PATHS,
    st.builds("{}?v={}".format, PATHS, st.integers(0, 9)),
    st.builds(
        "https://films.example{}".format,
        st.just("/x/").flatmap(lambda root: NAMES.map(lambda name: root + name)),
    ),
    st.builds("https://cdn.example/{}".format, NAMES),
)


@st.composite
def media_playlists(draw: st.DrawFn) -> str:
    """Generate a media playlist with keys, maps, ranges, dates and gaps."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:10"]
    if draw(st.booleans()):
        lines.append(f'#EXT-X-MAP:URI="{draw(REFERENCES)}",BYTERANGE="720@0"')
    for _ in range(draw(st.integers(0, 6))):
        if draw(st.booleans()):
            iv = draw(st.sampled_from(["", ",IV=0x0123456789abcdef0123456789abcdef"]))
            lines.append(f'#EXT-X-KEY:METHOD=AES-128,URI="{draw(REFERENCES)}"{iv}')
        lines += draw(
            st.lists(
                st.sampled_from(
                    ["", "# a comment", "#EXT-X-DISCONTINUITY", "#EXT-X-GAP", "#EXT-X-VENDOR:A=1"]
                ),
                max_size=2,
            )
        )
        lines.append(f"#EXTINF:{draw(st.integers(0, 100)) / 10},{draw(NAMES)}")
        if draw(st.booleans()):
            lines.append(f"#EXT-X-BYTERANGE:{draw(st.integers(1, 99))}@{draw(st.integers(0, 99))}")
        lines.append(draw(REFERENCES))
    return end.join([*lines, "#EXT-X-ENDLIST", ""])


@st.composite
def multivariant_playlists(draw: st.DrawFn) -> str:
    """Generate a multivariant playlist with renditions, I-frames and session data."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7"]
    for index in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["AUDIO", "SUBTITLES", "VIDEO"]))
        uri = f',URI="{draw(REFERENCES)}"' if kind == "SUBTITLES" or draw(st.booleans()) else ""
        lines.append(f'#EXT-X-MEDIA:TYPE={kind},GROUP-ID="{kind}",NAME="{index}, URI=x"{uri}')
    for _ in range(draw(st.integers(1, 4))):
        bandwidth = draw(st.integers(1, 10**7))
        lines.append(f'#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},CODECS="avc1.64001f,mp4a.40.2"')
        lines.append(draw(REFERENCES))
    if draw(st.booleans()):
        lines.append(f'#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="{draw(REFERENCES)}"')
    if draw(st.booleans()):
        lines.append(f'#EXT-X-SESSION-DATA:DATA-ID="com.example",URI="{draw(REFERENCES)}"')
    return "\n".join([*lines, ""])


def attributes(values: dict[str, object]) -> str:
    """Return the attributes that have a value, formatted for a start tag."""
    return "".join(f" {k}={quoteattr(str(v))}" for k, v in values.items() if v is not None)


@st.composite
def timelines(draw: st.DrawFn, timescale: int) -> tuple[str, int]:
    """Generate a timeline of at most that duration; return its end in units of the timescale."""
    entries, time = [], 0
    for index in range(draw(st.integers(1, 4))):
        gap = draw(st.sampled_from([0, 0, 0, timescale]))
        lasts = draw(st.integers(1, 3 * timescale))
        repeat = draw(st.integers(0, 3))
        start = time + gap if index == 0 or gap or draw(st.booleans()) else None
        time += gap + lasts * (repeat + 1)
        entries.append(f"<S{attributes({'t': start, 'd': lasts, 'r': repeat or None})}/>")
    return f"<SegmentTimeline>{''.join(entries)}</SegmentTimeline>", time


@st.composite
def segment_information(draw: st.DrawFn, seconds: int) -> str:
    """Generate a SegmentTemplate, SegmentList or SegmentBase for a period of that length."""
    kind = draw(st.sampled_from(["number", "timeline", "list", "base"]))
    scale = draw(st.sampled_from([1, 10, 90000]))
    if kind == "base":
        return (
            f"<BaseURL>{draw(NAMES)}.mp4</BaseURL>"
            '<SegmentBase indexRange="100-199"><Initialization range="0-99"/></SegmentBase>'
        )
    common: dict[str, object] = {"timescale": scale}
    name = draw(NAMES)
    if kind == "list":
        urls = draw(st.lists(PATHS, min_size=seconds, max_size=seconds))
        inner = "".join(f"<SegmentURL media={quoteattr(url)}/>" for url in urls)
        initialization = f"<Initialization sourceURL={quoteattr(draw(PATHS))}/>"
        return (
            f"<SegmentList{attributes(common | {'duration': scale})}>"
            f"{initialization}{inner}</SegmentList>"
        )
    common["initialization"] = f"{name}/$RepresentationID$/i.mp4"
    if kind == "number":
        common |= {
            "media": f"{name}/$RepresentationID$-$Number{draw(st.sampled_from(['', '%03d']))}$.m4s",
            "duration": draw(st.integers(1, seconds)) * scale,
            "startNumber": draw(st.one_of(st.none(), st.integers(0, 50))),
        }
        return f"<SegmentTemplate{attributes(common)}/>"
    timeline, _ = draw(timelines(scale))
    number = draw(st.sampled_from(["$Time$", "$Time$-$Number$"]))
    common["media"] = f"{name}/$Bandwidth$/{number}$$.m4s"
    return f"<SegmentTemplate{attributes(common)}>{timeline}</SegmentTemplate>"


@st.composite
def presentations(draw: st.DrawFn) -> str:
    """Generate an MPD with periods, adaptation sets, representations, and BaseURLs at any level."""

    def base_url() -> str:
        folder = draw(st.one_of(st.none(), NAMES, st.just("https://cdn.example")))
        return "" if folder is None else f"<BaseURL>{folder}/</BaseURL>"

    periods, total = "", 0
    for _ in range(draw(st.integers(1, 3))):
        seconds = draw(st.integers(1, 8))
        total += seconds
        sets = ""
        for language in draw(
            st.lists(st.sampled_from(["en", "de", "fr"]), max_size=2, unique=True)
        ):
            shared = draw(st.booleans())
            above = draw(segment_information(seconds).filter(lambda i: "BaseURL" not in i))
            inner = ""
            for index in range(draw(st.integers(1, 3))):
                own = "" if shared else draw(segment_information(seconds))
                own = own if "<BaseURL>" in own else base_url() + own
                inner += (
                    f'<Representation id="{language}{index}" bandwidth="{index + 1}">'
                    f"{own}</Representation>"
                )
            above = above if shared else ""
            sets += (
                f'<AdaptationSet mimeType="video/mp4" lang="{language}">'
                f"{base_url()}{above}{inner}</AdaptationSet>"
            )
        periods += f'<Period duration="PT{seconds}S">{base_url()}{sets}</Period>'
    return (
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" minBufferTime="PT2S" '
        f'mediaPresentationDuration="PT{total}S">{base_url()}{periods}</MPD>'
    )


@given(text=st.one_of(media_playlists(), multivariant_playlists()))
@MADE
def test_hls(text: str, bench: Bench) -> None:
    """For any mix of references in a playlist, four parsers find the same before and after."""
    assert bench.judge(text.encode(), "hls").faults == []


@given(text=presentations())
@MADE
def test_dash(text: str, bench: Bench) -> None:
    """With any inheritance in an MPD, each representation keeps its segments, ranges and times."""
    verdict = bench.judge(text.encode(), "dash")
    assert verdict.faults == []
    assert verdict.notes == []
