"""Sound and picture stay together, whatever changes within a recording."""

from pathlib import Path

import pytest

from tests.integration.publish.joined import assert_changes_together
from tests.support.film_maker import ffmpeg, h264, picture, recording
from tests.support.published_films import published, tone_at

# Two recordings are longer than a segment, so that they do not change where a segment begins.
SECONDS = 2.4


def recordings(*, size: str, channels: int, offset: float, codec: str) -> bytes:
    """Two transport streams of the same length, one after the other in one file."""
    parts = (("red", "320x180", 440, 2, 0.0), ("blue", size, 880, channels, offset))
    return b"".join(
        recording(
            *(".ts", colour, hertz, *h264(), "-c:a", codec, "-ac", str(part_channels)),
            *("-output_ts_offset", str(begins_at)),
            seconds=SECONDS,
            size=part_size,
        )
        for colour, part_size, hertz, part_channels, begins_at in parts
    )


@pytest.mark.parametrize(
    ("size", "channels", "offset", "codec"),
    [
        pytest.param("320x180", 6, SECONDS, "ac3", id="stereo, then 5.1"),
        pytest.param("320x180", 1, SECONDS, "ac3", id="stereo, then mono"),
        pytest.param("480x270", 2, SECONDS, "ac3", id="larger pictures"),
        pytest.param("160x90", 2, SECONDS, "ac3", id="smaller pictures"),
        pytest.param("240x180", 2, SECONDS, "ac3", id="pictures of another shape"),
        pytest.param("320x180", 2, 0, "aac", id="two recordings joined"),
        pytest.param("320x180", 2, 0, "ac3", id="two recordings joined, AC-3"),
        pytest.param("320x180", 6, 0, "eac3", id="two recordings joined, stereo, then 5.1"),
        pytest.param("320x180", 2, 90_000, "aac", id="time stamps a day later"),
        pytest.param("320x180", 2, 90_000, "mp2", id="time stamps a day later, MP2"),
    ],
)
def test_recordings_that_change_on_the_way(
    tmp_path: Path, size: str, channels: int, offset: float, codec: str
) -> None:
    """Sound and picture change together, and nothing is added or lost."""
    film = tmp_path / "film.ts"
    film.write_bytes(recordings(size=size, channels=channels, offset=offset, codec=codec))

    _, made = published(film, tmp_path)

    # Recordings that are joined are longer than their pictures, by the end of their sound.
    within = 0.041 if offset == SECONDS else 0.1
    audible = assert_changes_together(made, SECONDS, within=within)
    assert tone_at(audible.tones, 1) == 440
    assert tone_at(audible.tones, 2 * SECONDS - 0.2) == 880


def test_sound_is_heard_when_it_is_due(tmp_path: Path) -> None:
    """A sound at two seconds in the source is there at two seconds, with and without edit lists."""
    film = tmp_path / "film.mov"
    click = "aevalsrc='if(between(t,2,2.2),sin(2*PI*440*t),0)':s=48000:d=5"
    ffmpeg(
        *(*picture("green", 5), "-f", "lavfi", "-i", click, *h264()),
        *("-c:a", "pcm_s16le", str(film)),
    )

    _, made = published(film, tmp_path)

    for options in ([], ["-ignore_editlist", "1"]):
        track = made.folder / made.film.audio[0].path
        whole = tmp_path / "whole.mp4"
        segments = sorted(track.glob("*.m4s"))
        whole.write_bytes(b"".join(each.read_bytes() for each in (track / "init.mp4", *segments)))
        raw = memoryview(
            ffmpeg(*options, *("-i", str(whole), "-ac", "1", "-ar", "48000", "-f", "s16le", "-"))
        ).cast("h")
        begins_at = next(n for n, sample in enumerate(raw) if abs(sample) > 3000) / 48000
        assert begins_at == pytest.approx(2, abs=0.002)
