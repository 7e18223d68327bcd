"""Recordings of other formats that are joined to one file are published one after the other."""

from pathlib import Path

import pytest

from tests.integration.publish.joined import (
    FRAGMENTS,
    QUIET,
    REORDERED,
    SECONDS,
    assert_both_are_published,
    joined,
    recorded,
    silence_seconds,
)
from tests.support.film_maker import h264, seen, sound, vp8
from tests.support.published_films import published
from tools.publish.probe import probe


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("film.mp4", (*h264(), "-c:a", "aac"), id="mp4"),
        pytest.param(
            "film.mp4", (*h264(), "-c:a", "aac", "-movflags", "+faststart"), id="mp4, index first"
        ),
        pytest.param("film.mp4", (*h264(), "-c:a", "aac", *FRAGMENTS), id="fragmented mp4"),
        pytest.param("film.mov", (*h264(), "-c:a", "pcm_s16le"), id="mov"),
        pytest.param("film.flv", (*h264(), "-c:a", "aac"), id="flv"),
        pytest.param("film.mkv", (*h264(), "-c:a", "ac3"), id="mkv"),
        pytest.param("film.webm", (*vp8(), "-c:a", "libopus"), id="webm"),
        pytest.param("film.webm", (*vp8(), "-c:a", "libopus", "-live", "1"), id="live webm"),
        pytest.param("film.wmv", ("-c:v", "wmv2", "-c:a", "wmav2"), id="wmv"),
        pytest.param("film.ogv", ("-c:v", "libtheora", "-c:a", "libvorbis"), id="ogv"),
        pytest.param("film.mpg", ("-c:v", "mpeg2video", "-c:a", "mp2"), id="mpg"),
        pytest.param("film.vob", ("-c:v", "mpeg2video", "-c:a", "ac3"), id="vob"),
        pytest.param("film.nut", (*h264(), "-c:a", "aac"), id="nut"),
        pytest.param("film.avi", ("-c:v", "mpeg4", "-c:a", "libmp3lame"), id="avi"),
        pytest.param("film.mkv", (*REORDERED, "-c:a", "aac"), id="mkv, reordered pictures"),
        pytest.param("film.mp4", (*REORDERED, "-c:a", "aac"), id="mp4, reordered pictures"),
        pytest.param("film.ts", (*REORDERED, "-c:a", "ac3"), id="ts, reordered pictures"),
        pytest.param("film.m2ts", (*h264(), "-c:a", "ac3", "-mpegts_m2ts_mode", "1"), id="m2ts"),
    ],
)
def test_formats(tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    """Of joined files in each format, both recordings are published, in sync."""
    source = assert_both_are_published(joined(tmp_path, name, *options), tmp_path)

    assert source.damage == ""


def test_three_recordings(tmp_path: Path) -> None:
    """Any number of recordings is published, with pictures of different sizes."""
    options = (*h264(), "-c:a", "ac3")
    film = tmp_path / "film.ts"
    film.write_bytes(
        b"".join(
            recorded(".ts", colour, 440, *options, "-s", size)
            for colour, size in (("red", "320x180"), ("green", "480x270"), ("blue", "320x180"))
        )
    )

    _, made = published(film, tmp_path)

    playlist = made.folder / "index.m3u8"
    audible = sound(playlist)
    assert [colour for _, colour in seen(playlist)] == ["red", "green", "blue"]
    assert audible.seconds == pytest.approx(3 * SECONDS, abs=0.15)
    assert silence_seconds(audible.tones, until=3 * SECONDS - 0.2) <= 0.2


def test_a_name_with_quotes(tmp_path: Path) -> None:
    """Joined recordings are read from a file of any name."""
    film = joined(tmp_path, "it's, a: \\film\\.mp4", *h264(), "-c:a", "aac")

    assert_both_are_published(film, tmp_path)


@pytest.mark.parametrize(
    ("name", "options", "and_then", "told"),
    [
        (
            *("film.mp4", (*h264(), "-c:a", "aac"), ("-ar", "44100")),
            "1 of recording 2 is aac audio (44100 Hz, stereo), that of recording 1 is aac audio (4",
        ),
        (
            *("film.mkv", (*h264(), "-c:a", "aac"), ("-c:v", "mpeg4")),
            "0 of recording 2 is mpeg4 video (320x180), that of recording 1 is h264 video (320x",
        ),
        (
            *("film.mp4", ("-c:v", "libx265", "-preset", "ultrafast", *QUIET), ("-s", "480x270")),
            "0 of recording 2 is hevc video (480x270), that of recording 1 is hevc video (320x180)",
        ),
        (
            *("film.flv", (*h264(), "-c:a", "aac"), ("-c:v", "flv")),
            "track 0 of recording 2 is aac audio (48000 Hz, stereo), that of recording 1 is h264",
        ),
        (
            *("film.ts", (*h264(), "-c:a", "libopus"), ("-ac", "6")),
            "1 of recording 2 is opus audio (48000 Hz, 5.1), that of recording 1 is opus audio (4",
        ),
        (
            *("film.ts", (*h264(), "-c:a", "mp2"), ("-c:a", "ac3")),
            "track 1 of recording 2 is ac3 audio (48000 Hz, stereo), that of recording 1 is mp2",
        ),
    ],
)
def test_recordings_that_differ(
    tmp_path: Path, name: str, options: tuple[str, ...], and_then: tuple[str, ...], told: str
) -> None:
    """If the second recording has other formats, this is said; the first one can be had."""
    source = probe(joined(tmp_path, name, *options, and_then=and_then))

    assert source.damage.startswith("recordings are joined in it, the second one at byte ")
    assert told in source.damage


def test_time_stamps_that_start_again(tmp_path: Path) -> None:
    """Time stamps that start again in a format that does not allow this are reported as a loss."""
    options = (*h264(), "-c:a", "aac")
    first, second = (recorded(".flv", colour, 440, *options) for colour in ("red", "blue"))
    film = tmp_path / "film.flv"
    film.write_bytes(first + second[13:])

    assert probe(film).damage == (
        "its time stamps start again after 2.4 s, and what follows is lost"
    )
