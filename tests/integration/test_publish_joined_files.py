"""Recordings joined to one file (`cat one two > film`) are published one after the other."""

from pathlib import Path

import pytest

from tests.support.film_maker import (
    different_pictures,
    ffmpeg,
    h264,
    heard,
    picture,
    recording,
    seen,
    sound,
    tone,
    vp8,
)
from tests.support.published_films import published
from tests.support.transport_stream import with_other_identifiers
from tools.publish.probe import probe
from tools.publish.source import Source

# Two recordings are longer than a segment, so that they do not change where a segment begins.
SECONDS = 2.4
# The promise for sound. Pictures change only every 40 ms.
IN_SYNC_SECONDS = 0.04
REORDERED = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "3")
QUIET = ("-x265-params", "log-level=none")
FRAGMENTS = ("-movflags", "+frag_keyframe+empty_moov+default_base_moof")
TOLD = "the file consists of 2 recordings, which are played one after the other"


def recorded(
    suffix: str, colour: str, hertz: int, *options: str, seconds: float = SECONDS
) -> bytes:
    """A recording with stereo sound, unless the options are other ones."""
    return recording(suffix, colour, hertz, "-ac", "2", *options, seconds=seconds)


def joined(folder: Path, name: str, *options: str, and_then: tuple[str, ...] = ()) -> Path:
    """A red recording with 440 Hz, then a blue one with 880 Hz, in one file."""
    film = folder / name
    film.write_bytes(
        recorded(film.suffix, "red", 440, *options)
        + recorded(film.suffix, "blue", 880, *options, *and_then)
    )
    return film


def silence_seconds(tones: list[tuple[float, int]], *, until: float) -> float:
    """Return the duration of silence in a sound, except at its beginning."""
    ends = [at for at, _ in tones[1:]] + [until]
    spans = zip(tones, ends, strict=True)
    return sum(min(end, until) - at for (at, hertz), end in spans if not hertz and 0.1 < at < until)


def assert_both_are_published(film: Path, folder: Path) -> Source:
    """Assert that picture and sound change together, and that nothing of either is lost."""
    source, made = published(film, folder)

    playlist = made.folder / "index.m3u8"
    audible = sound(playlist)
    assert made.film.seconds == pytest.approx(2 * SECONDS, abs=0.15)
    assert audible.seconds == pytest.approx(2 * SECONDS, abs=0.15)
    (_, red), (picture_changes, blue) = seen(playlist)
    assert (red, blue) == ("red", "blue")
    assert picture_changes == pytest.approx(SECONDS, abs=0.1)
    tones = [(at, hertz) for at, hertz in audible.tones if hertz and at > 0.1]
    sound_changes = next(at for at, hertz in tones if hertz == 880)
    assert abs(sound_changes - picture_changes) <= IN_SYNC_SECONDS + 0.001
    assert silence_seconds(audible.tones, until=2 * SECONDS - 0.2) <= 0.1
    return source


@pytest.mark.parametrize("codec", ["aac", "ac3", "eac3", "mp2", "libmp3lame"])
def test_transport_streams(tmp_path: Path, codec: str) -> None:
    """Joined transport streams are in sync and without a pause, whatever the codec of the sound."""
    film = joined(tmp_path, "film.ts", *h264(), "-c:a", codec)

    source = assert_both_are_published(film, tmp_path)

    assert source.damage == ""
    assert TOLD in source.warnings


@pytest.mark.parametrize(
    "and_then",
    [
        pytest.param(("-streamid", "0:512", "-streamid", "1:513"), id="both tracks"),
        pytest.param(("-streamid", "1:513"), id="the sound"),
        pytest.param(("-streamid", "0:257", "-streamid", "1:256"), id="exchanged"),
        pytest.param(
            ("-mpegts_service_id", "7", "-mpegts_pmt_start_pid", "512", "-mpegts_start_pid", "600"),
            id="another program",
        ),
        pytest.param(
            ("-streamid", "0:512", "-streamid", "1:513", "-output_ts_offset", str(SECONDS)),
            id="time stamps continue",
        ),
        pytest.param(
            ("-streamid", "0:512", "-streamid", "1:513", "-output_ts_offset", "90000"),
            id="time stamps a day later",
        ),
    ],
)
@pytest.mark.parametrize("codec", ["aac", "ac3"])
def test_transport_streams_with_other_identifiers(
    tmp_path: Path, and_then: tuple[str, ...], codec: str
) -> None:
    """Joined transport streams correspond by the order of their tracks if identifiers differ."""
    film = joined(tmp_path, "film.ts", *h264(), "-c:a", codec, and_then=and_then)

    source = assert_both_are_published(film, tmp_path)

    assert source.damage == ""
    assert len(source.audio) == 1
    assert TOLD in source.warnings


@pytest.mark.parametrize(
    "others", [{257: 300}, {256: 400}, {256: 400, 257: 401}], ids=["sound", "pictures", "both"]
)
def test_identifiers_that_change_between_pictures(tmp_path: Path, others: dict[int, int]) -> None:
    """A station may change its identifiers at any time; no picture and no sound is lost."""
    film = tmp_path / "film.ts"
    options = (*REORDERED, "-g", "50", "-c:a", "ac3", "-pat_period", "0.1")
    whole = recorded(".ts", "green", 440, *options, seconds=5)
    film.write_bytes(with_other_identifiers(whole, 0.47, others))

    source, made = published(film, tmp_path)
    playlist = made.folder / "index.m3u8"

    assert (source.damage, source.left_out) == ("", ())
    assert source.duration_seconds == pytest.approx(5, abs=0.1)
    assert silence_seconds(heard(playlist), until=4.8) == 0
    assert different_pictures(playlist, 5) >= 120


def test_a_track_that_only_a_later_recording_has(tmp_path: Path) -> None:
    """A track that the first recording lacks is left out, and one that ends is silent after it."""
    options = (*h264(), "-c:a", "aac", "-f", "mpegts")
    two, one = tmp_path / "two.ts", tmp_path / "one.ts"
    ffmpeg(
        *(*picture("red", SECONDS), *tone(440, SECONDS), *tone(880, SECONDS)),
        *("-map", "0", "-map", "1", "-map", "2", *options, str(two)),
    )
    ffmpeg(*picture("blue", SECONDS), *tone(440, SECONDS), *options, str(one))
    more, less = tmp_path / "more.ts", tmp_path / "less.ts"
    more.write_bytes(one.read_bytes() + two.read_bytes())
    less.write_bytes(two.read_bytes() + one.read_bytes())

    source, made = published(more, tmp_path)
    assert source.left_out == (
        "aac audio (48000 Hz, mono) of recording 2: the first recording has no such track",
    )
    tones = heard(made.folder / "index.m3u8")
    assert silence_seconds(tones, until=2 * SECONDS - 0.2) <= 0.1
    (tmp_path / "less").mkdir()
    _, made = published(less, tmp_path / "less")
    for track, seconds in ((0, 2 * SECONDS), (1, SECONDS)):
        tones = heard(made.folder / "index.m3u8", track)
        assert [at for at, hertz in tones if not hertz and 0.1 < at < seconds - 0.2] == []
    assert tones[-1][1] == 0


def test_a_track_that_begins_late(tmp_path: Path) -> None:
    """A track that a transport stream adds after some megabytes is left out, and named."""
    first, added, last, film = (
        tmp_path / name for name in ("first.ts", "added.ts", "last.ts", "film.ts")
    )
    # ffmpeg searches for tracks in the first and the last megabytes.
    noise = ("-vf", "noise=alls=100:allf=t", "-qp", "0", "-c:a", "aac")
    for part, begins_at in ((first, 0), (last, 2 * SECONDS)):
        offset = ("-output_ts_offset", str(begins_at))
        ffmpeg(*picture("red", SECONDS), *tone(440, SECONDS), *h264(), *noise, *offset, str(part))
    ffmpeg(
        *(*picture("blue", SECONDS), *tone(880, SECONDS), *tone(440, SECONDS)),
        *("-map", "0", "-map", "1", "-map", "2", *h264(), "-c:a", "aac"),
        *("-output_ts_offset", str(SECONDS), str(added)),
    )
    film.write_bytes(b"".join(part.read_bytes() for part in (first, added, last)))

    source = probe(film)

    assert source.left_out == ("the track with packet identifier 258: it begins late in the file",)
    assert source.damage == ""
    assert source.duration_seconds == pytest.approx(3 * SECONDS, abs=0.15)


# The sound of recordings of stations changes between programmes.
@pytest.mark.parametrize(
    "and_then",
    [
        pytest.param(("-ar", "44100"), id="sample rate"),
        pytest.param(("-ar", "24000"), id="half the sample rate"),
        pytest.param(("-ac", "6"), id="5.1"),
        pytest.param(("-ac", "1"), id="mono"),
        pytest.param(("-aac_pce", "1"), id="channels by an element of their own"),
        pytest.param(("-ac", "6", "-aac_pce", "1", "-ar", "32000"), id="all of it"),
        pytest.param(("-profile:a", "mpeg2_aac_low"), id="MPEG-2"),
    ],
)
@pytest.mark.parametrize("offset", [0, SECONDS])
def test_sound_that_changes_its_parameters(
    tmp_path: Path, and_then: tuple[str, ...], offset: int
) -> None:
    """AAC may change its parameters on the way, and stays in sync."""
    options = (*h264(), "-c:a", "aac")
    later = ("-output_ts_offset", str(offset)) if offset else ()
    film = tmp_path / "film.ts"
    film.write_bytes(
        recorded(".ts", "red", 440, *options)
        + recorded(".ts", "blue", 880, *options, *and_then, *later)
    )

    source = assert_both_are_published(film, tmp_path)

    assert source.damage == ""


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("-c:a", "aac", "-mpegts_flags", "latm"), id="AAC in LATM"),
        pytest.param(("-c:a", "libmp3lame", "-b:a", "64k"), id="MP3"),
        pytest.param(("-c:a", "mp2", "-b:a", "64k"), id="MP2"),
        pytest.param(("-c:a", "eac3"), id="E-AC-3"),
    ],
)
def test_other_sampling_rates(tmp_path: Path, options: tuple[str, ...]) -> None:
    """The sampling rate may change on the way, whatever the codec of the sound."""
    rate = "24000" if "aac" in options else "32000"
    both = (*h264(), *options)
    later = ("-output_ts_offset", str(SECONDS))
    film = tmp_path / "film.ts"
    film.write_bytes(
        recorded(".ts", "red", 440, *both)
        + recorded(".ts", "blue", 880, *both, "-ar", rate, *later)
    )

    source = assert_both_are_published(film, tmp_path)

    assert source.damage == ""


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


CUT_SHORT = "its last part are missing"


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        pytest.param("film.wmv", ("-c:v", "wmv2", "-c:a", "wmav2"), CUT_SHORT, id="wmv"),
        pytest.param(
            "film.webm", (*vp8(), "-c:a", "libopus", "-live", "1"), CUT_SHORT, id="live webm"
        ),
        pytest.param("film.mkv", (*h264(), "-c:a", "ac3", "-live", "1"), CUT_SHORT, id="live mkv"),
        pytest.param("film.ogv", ("-c:v", "libtheora", "-c:a", "libvorbis"), CUT_SHORT, id="ogv"),
        pytest.param("film.mpg", ("-c:v", "mpeg2video", "-c:a", "mp2"), CUT_SHORT, id="mpg"),
        pytest.param("film.ts", (*h264(), "-c:a", "ac3"), CUT_SHORT, id="ts"),
        pytest.param(
            "film.m2ts", (*h264(), "-c:a", "ac3", "-mpegts_m2ts_mode", "1"), CUT_SHORT, id="m2ts"
        ),
        pytest.param("film.flv", (*h264(), "-c:a", "aac"), "s are missing of", id="flv"),
        pytest.param(
            "film.flv",
            (*h264(), "-c:a", "aac", "-flvflags", "no_duration_filesize"),
            CUT_SHORT,
            id="live flv",
        ),
    ],
)
def test_truncated_files(tmp_path: Path, name: str, options: tuple[str, ...], told: str) -> None:
    """A file that ends inside a part whose size it declares is damaged, and a whole one is not."""
    whole = tmp_path / f"whole-{name}"
    film = tmp_path / name
    content = recorded(film.suffix, "red", 440, *options)
    whole.write_bytes(content)
    film.write_bytes(content[: len(content) // 2 + 1])

    assert told in probe(film).damage
    assert (probe(whole).damage, probe(whole).warnings) == ("", ())


def test_the_end_of_an_ogg_page(tmp_path: Path) -> None:
    """A file without the mark of its end, cut between two pages, is reported as incomplete."""
    content = recorded(".ogv", "red", 440, "-c:v", "libtheora", "-c:a", "libvorbis")
    film = tmp_path / "film.ogv"
    film.write_bytes(content[: content.index(b"OggS", len(content) // 2)])

    source = probe(film)

    assert source.damage == ""
    assert "lacks the mark at the end" in source.warnings[0]


def test_a_nut_file_without_its_index(tmp_path: Path) -> None:
    """A NUT file without the index at its end is reported as incomplete."""
    content = recorded(".nut", "red", 440, *h264(), "-c:a", "aac")
    film = tmp_path / "film.nut"
    film.write_bytes(content[: len(content) // 2])

    assert "lacks the mark at the end" in probe(film).warnings[0]


def test_the_end_of_a_transport_packet(tmp_path: Path) -> None:
    """A transport stream that ends between two packets, but within a frame, may be incomplete."""
    content = recorded(".ts", "red", 440, *h264(), "-c:a", "ac3")
    film = tmp_path / "film.ts"
    film.write_bytes(content[: -2 * 188])

    source = probe(film)

    assert source.damage == ""
    assert "its last packet is shorter than it declares" in source.warnings[0]


def test_recordings_that_are_cut(tmp_path: Path) -> None:
    """Of joined recordings, it is reported which lacks a part of what it declares."""
    options = (*h264(), "-c:a", "aac", "-movflags", "+faststart")
    content = recorded(".mp4", "red", 440, *options)
    film = tmp_path / "film.mp4"
    film.write_bytes(content + content[: len(content) // 2])

    assert probe(film).damage.startswith("recording 2 of 2: ")
