"""Recordings joined to one file (`cat one two > film`)."""

from pathlib import Path

import pytest

from tests.support.film_maker import Sound, recording, seen, sound
from tests.support.published_films import published
from tools.publish.packaging.package import Package
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
    audible = assert_changes_together(made, SECONDS)
    assert silence_seconds(audible.tones, until=2 * SECONDS - 0.2) <= 0.1
    return source


def assert_changes_together(made: Package, seconds: float, *, within: float = 0.1) -> Sound:
    """Assert that red with 440 Hz becomes blue with 880 Hz in the middle; return the sound.

    Each lasts ``seconds``. The picture changes at most ``within`` seconds before or after that.
    """
    playlist = made.folder / "index.m3u8"
    audible = sound(playlist)
    assert made.film.seconds == pytest.approx(2 * seconds, abs=0.15)
    assert audible.seconds == pytest.approx(2 * seconds, abs=0.15)
    (_, red), (picture_changes, blue) = seen(playlist)
    assert (red, blue) == ("red", "blue")
    assert picture_changes == pytest.approx(seconds, abs=within)
    tones = [(at, hertz) for at, hertz in audible.tones if hertz and at > 0.1]
    sound_changes = next(at for at, hertz in tones if hertz == 880)
    assert abs(sound_changes - picture_changes) <= IN_SYNC_SECONDS + 0.001
    return audible
