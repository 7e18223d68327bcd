"""The detected contents of a file."""

from fractions import Fraction
from pathlib import Path

import pytest

from tests.support.film_maker import ffmpeg, h264, picture, tone
from tools.publish.errors import PublishError
from tools.publish.frame_rate import frame_rate
from tools.publish.packaging.labels import labels_of
from tools.publish.probe import probe
from tools.publish.source import Track


def test_tracks(tmp_path: Path) -> None:
    """Tracks have language, title and dispositions as in the container."""
    film = tmp_path / "film.mkv"
    ffmpeg(
        *(*picture("green", 2), *tone(440, 2), *tone(880, 2), "-map", "0", "-map", "1"),
        *("-map", "2", *h264(), "-c:a:0", "aac", "-c:a:1", "ac3"),
        *("-metadata:s:a:0", "language=eng", "-metadata:s:a:0", 'title=The "comments"'),
        *("-metadata:s:a:1", "language=ger", "-disposition:a:0", "default"),
        *("-disposition:a:1", "visual_impaired", str(film)),
    )

    source = probe(film)

    assert source.duration_seconds == pytest.approx(2, abs=0.1)
    assert source.audio == (
        Track(1, "aac", "eng", 'The "comments"', frozenset({"default"})),
        Track(2, "ac3", "ger", "", frozenset({"visual impaired"})),
    )


def test_shown_size(tmp_path: Path) -> None:
    """Oblong pixels and rotation count: the size is the displayed one."""
    lying, upright = tmp_path / "lying.mp4", tmp_path / "upright.mp4"
    ffmpeg(*picture("green", 1, size="360x288"), *h264(), "-vf", "setsar=64/45", str(lying))
    ffmpeg("-display_rotation", "90", "-i", str(lying), "-c", "copy", str(upright))

    assert (probe(lying).video.width, probe(lying).video.height) == (512, 288)
    assert (probe(upright).video.width, probe(upright).video.height) == (288, 512)


@pytest.mark.parametrize(
    ("told", "rate"),
    [
        (Fraction(24000, 1001), Fraction(24000, 1001)),
        (Fraction(2997, 100), Fraction(30000, 1001)),
        (Fraction(25, 2), Fraction(25, 2)),
        (Fraction(120), Fraction(60)),
        (Fraction(25), Fraction(25)),
    ],
)
def test_steady_frame_rate(told: Fraction, rate: Fraction) -> None:
    """A film with a constant rate keeps it exactly, up to 60, also with rounded times."""
    starts = [round(float(n / told), 3) for n in range(500)]

    assert frame_rate(starts, told) == rate


@pytest.mark.parametrize("rate", [1, 15])
def test_unusual_frame_rate(tmp_path: Path, rate: int) -> None:
    """A slow film has its own rate, with every version of PyAV."""
    film = tmp_path / "film.mp4"
    ffmpeg(*picture("green", 4, rate=rate), *h264(), str(film))

    assert probe(film).video.frame_rate == rate


@pytest.mark.parametrize(("fast", "rate"), [(60, 60), (30, 30), (240, 60), (15, 15)])
def test_changing_frame_rate(fast: int, rate: int) -> None:
    """A film with some fast seconds and many slow ones has the rate of its fast part."""
    starts = [n / fast for n in range(fast * 3)] + [3 + n for n in range(600)]

    assert frame_rate(starts, Fraction(len(starts), 603)) == rate


def test_burst_of_frames() -> None:
    """Half a second of scrolling in a recording of a still screen keeps its frame rate."""
    burst = [3 + n / 60 for n in range(30)]
    starts = [0.0, 1.0, 2.0, *(round(at, 3) for at in burst), *(4.0 + n for n in range(60))]

    assert frame_rate(starts, Fraction(len(starts), 64)) == 60


def test_wavering_frame_times() -> None:
    """A camera with irregular frames has its average rate over a second."""
    starts = [n / 30 + (0.012 if n % 3 else 0.0) for n in range(300)]

    assert frame_rate(starts, Fraction(30)) == 30


def test_a_declared_frame_rate_that_is_wrong() -> None:
    """The times of the frames count if a container declares another rate for them."""
    starts = [round(n / 25, 3) for n in range(100)]

    assert frame_rate(starts, Fraction(2487, 100)) == 25


def test_recordings_that_overlap() -> None:
    """Frames of two recordings at the same time do not double the rate."""
    starts = [n / 25 for n in range(100)] + [4 - 0.08 + n / 25 for n in range(100)]

    assert frame_rate(starts, Fraction(25)) == 25


def test_unknown_frame_rate() -> None:
    """A film without time stamps has the most common rate."""
    assert frame_rate([0.0], None) == 25


def test_no_video(tmp_path: Path) -> None:
    """Audio without a picture is rejected in one line."""
    sound = tmp_path / "sound.m4a"
    ffmpeg(*tone(440, 2), "-c:a", "aac", str(sound))

    with pytest.raises(PublishError, match=r"sound\.m4a: there is no video in it"):
        probe(sound)


def test_labels() -> None:
    """Tracks are named by their titles, otherwise by their language, each uniquely."""
    tracks = [
        Track(1, "aac", "ger"),
        Track(2, "aac", "deu"),
        Track(3, "aac", "und"),
        Track(4, "aac", "pt-BR", 'The "other"\n one'),
        Track(5, "aac", "tlh"),
    ]

    labels = labels_of(tracks)

    assert [(label.name, label.language) for label in labels] == [
        ("Deutsch", "de"),
        ("Deutsch 2", "de"),
        ("Track 3", None),
        ("The 'other' one", "pt-BR"),
        ("tlh", "tlh"),
    ]
