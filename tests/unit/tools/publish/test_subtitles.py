"""Subtitles converted to WebVTT and to the film's length."""

from pathlib import Path

import pytest

from tests.support.film_maker import ffmpeg, h264, picture
from tools.publish.probe import probe
from tools.publish.subtitle_formats import from_ass, from_plain, from_subrip, from_webvtt
from tools.publish.subtitles import extract

CUES = (
    ("00:00:01,000 --> 00:00:02,500", "I <3 you & me"),
    ("00:00:03,000 --> 00:00:04,000", "Left <- or right ->"),
    ("00:00:05,000 --> 00:01:30,000", "<i>Really</i>, Tom & Jerry"),
)


@pytest.mark.parametrize("codec", ["srt", "mov_text"])
def test_cues_are_shown_as_written_and_end_with_the_film(tmp_path: Path, codec: str) -> None:
    """Text without markup is escaped, and a cue beyond the film's end is cut."""
    words = tmp_path / "words.srt"
    words.write_text("".join(f"{n}\n{when}\n{text}\n\n" for n, (when, text) in enumerate(CUES, 1)))
    film = tmp_path / ("film.mkv" if codec == "srt" else "film.mp4")
    ffmpeg(
        *(*picture("green", 8), "-i", str(words), "-map", "0", "-map", "1", *h264()),
        *("-c:s", codec, str(film)),
    )
    source, text = probe(film), tmp_path / "text.vtt"

    notes = extract(source, [(source.subtitles[0], text)], seconds=8)

    assert notes == []
    italic = "<i>Really</i>" if codec == "srt" else "Really"
    assert text.read_text("utf-8").split("\n\n") == [
        "WEBVTT",
        "00:00:01.000 --> 00:00:02.500\nI &lt;3 you &amp; me",
        "00:00:03.000 --> 00:00:04.000\nLeft &lt;- or right -&gt;",
        f"00:00:05.000 --> 00:00:08.000\n{italic}, Tom &amp; Jerry\n",
    ]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("<I>x</I> <b>y", "<i>x</i> <b>y</b>"),
        ("<b>a<i>b</b>c</i>", "<b>a<i>b</i></b><i>c</i>"),
        ('<font color="#ff0000">red</font> {\\an8}top', "red top"),
        ("</i>never opened", "never opened"),
        ("&amp; <script>", "&amp;amp; &lt;script&gt;"),
        ("{curly} <3", "{curly} &lt;3"),
    ],
)
def test_subrip(written: str, shown: str) -> None:
    """Bold, italic and underlined are kept; colours and positions are removed; text is escaped."""
    assert from_subrip(written) == shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("0,0,Default,,0,0,0,,Tom & Jerry, both", "Tom &amp; Jerry, both"),
        ("0,0,Default,,0,0,0,,{\\i1}Hi{\\i0}\\Nyou", "<i>Hi</i>\nyou"),
        ("0,0,Default,,0,0,0,,{\\p1}m 0 0 l 9 9{\\p0}word", "word"),
        ("0,0,Default,,0,0,0,,{\\b700\\fs20}x", "<b>x</b>"),
    ],
)
def test_substation_alpha(line: str, shown: str) -> None:
    """The words of a line of dialogue, without drawings and without styles but b, i and u."""
    assert from_ass(line) == shown


def test_plain_text_has_no_markup() -> None:
    """Text that looks like a tag stays text."""
    assert from_plain("<i>") == "&lt;i&gt;"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("I <3 you & me", "I &lt;3 you &amp; me"),
        ("I &lt;3 you &amp; me, &#8211;", "I &lt;3 you &amp; me, &#8211;"),
        ("<v Tom><i>Really</i>, Tom & Jerry", "<v Tom><i>Really</i>, Tom &amp; Jerry"),
        ("<c.yellow.bg_blue>a</c> <- b --> c", "<c.yellow.bg_blue>a</c> &lt;- b --&gt; c"),
        ("<00:01:05.500>later <lang en>x</lang>", "<00:01:05.500>later <lang en>x</lang>"),
        ("<v a-->", "&lt;v a--&gt;"),
        ("List<String> <br>", "List&lt;String&gt; &lt;br&gt;"),
    ],
)
def test_webvtt(written: str, shown: str) -> None:
    """Markup of WebVTT is kept, and text that was never escaped is shown as written."""
    assert from_webvtt(written) == shown
