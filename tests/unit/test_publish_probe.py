"""What ffmpeg's report of a file says of the film in it."""

from fractions import Fraction
from pathlib import Path

import pytest

from tools.publish.errors import PublishError
from tools.publish.packaging.labels import labels_of
from tools.publish.probe import Track, read_report

FILM = Path("film.mp4")

# As ffmpeg prints it, shortened.
REPORT = """\
Input #0, matroska,webm, from 'file:/films/film.mkv':
  Metadata:
    title           : A film
  Duration: 01:02:03.50, start: 0.000000, bitrate: 1877 kb/s
  Stream #0:0: Video: mjpeg (Baseline), yuvj420p(pc), 600x800, 90k tbr, 90k tbn (attached pic)
  Stream #0:1[0x1](und): Video: hevc (Main 10) (hvc1 / 0x31637668), yuv420p10le(tv, \
bt2020nc/bt2020/smpte2084), 720x576 [SAR 64:45 DAR 16:9], 1729 kb/s, 23.98 fps, 23.98 tbr (default)
    Side data:
      Display Matrix: rotation of -90.00 degrees
  Stream #0:2[0x2](eng): Audio: aac (LC), 44100 Hz, mono, fltp, 69 kb/s (default)
    Metadata:
      title           : Director's "comments"
  Stream #0:3(ger): Audio: ac3, 48000 Hz, 5.1(side), fltp, 448 kb/s (visual impaired)
"""


def test_tracks() -> None:
    """The cover is no film; tracks carry language, title and dispositions as in the container."""
    source = read_report(REPORT, FILM)

    assert source.duration_seconds == 3723.5
    assert source.video.index == 1
    assert source.audio == (
        Track(2, "aac", "eng", 'Director\'s "comments"', frozenset({"default"})),
        Track(3, "ac3", "ger", "", frozenset({"visual impaired"})),
    )


def test_shown_size() -> None:
    """Oblong pixels and rotation count: the size is what a viewer sees."""
    video = read_report(REPORT, FILM).video

    assert (video.width, video.height) == (576, 1024)
    assert video.is_high_dynamic_range


@pytest.mark.parametrize(
    ("shown", "exact"),
    [
        ("23.98 fps", Fraction(24000, 1001)),
        ("29.97 fps", Fraction(30000, 1001)),
        ("59.94 fps", Fraction(60000, 1001)),
        ("12.50 fps", Fraction(25, 2)),
        ("120 fps", Fraction(60)),
        ("1k fps", Fraction(60)),
        ("0 fps", Fraction(25)),
    ],
)
def test_frame_rate(shown: str, exact: Fraction) -> None:
    """A rounded rate is the broadcast rate that it stands for, and at most 60."""
    assert read_report(REPORT.replace("23.98 fps", shown), FILM).video.frame_rate == exact


def test_no_video() -> None:
    """Sound with a cover is refused in one line."""
    report = "\n".join(line for line in REPORT.splitlines() if "hevc" not in line)

    with pytest.raises(PublishError, match=r"film\.mp4: there is no video in it"):
        read_report(report, FILM)


def test_labels() -> None:
    """Tracks are called by their titles, else by their language, and no two alike."""
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
