"""Joined transport streams, whose identifiers, tracks and sound may change."""

from pathlib import Path

import pytest

from tests.integration.publish.joined import (
    REORDERED,
    SECONDS,
    TOLD,
    assert_both_are_published,
    joined,
    recorded,
    silence_seconds,
)
from tests.support.film_maker import different_pictures, ffmpeg, h264, heard, picture, tone
from tests.support.published_films import published
from tests.support.transport_stream import with_other_identifiers
from tools.publish.probe import probe


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
