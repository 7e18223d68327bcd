"""Films of unusual length, size, rate and colour are packaged and played."""

from pathlib import Path

import pytest

from tests.support.film_maker import different_pictures, ffmpeg, h264, heard, picture, seen, tone
from tests.support.published_films import WHOLE_GREEN, published, tone_at
from tools.publish.probe import probe


def test_a_bare_stream(tmp_path: Path) -> None:
    """A video stream without a container, and so without time stamps, is a film with a poster."""
    film = tmp_path / "film.h264"
    ffmpeg(*picture("green", 3), *h264(), str(film))

    _, made = published(film, tmp_path)

    assert made.film.seconds == pytest.approx(3, abs=0.1)
    assert seen(made.folder / "poster.jpg") == WHOLE_GREEN


def test_a_still_picture_that_tells_its_length(tmp_path: Path) -> None:
    """One picture that lasts as long as the sound is not treated as damage."""
    film = tmp_path / "film.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "color=green:s=320x180:d=0.04", *tone(440, 8), "-map", "0"),
        *("-map", "1", "-c:v", "png", "-c:a", "flac", str(film)),
    )

    assert probe(film).damage == ""


def test_a_still_picture_under_long_sound(tmp_path: Path) -> None:
    """One frame of video is shown as long as the sound lasts, and is the poster."""
    film = tmp_path / "film.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "color=green:s=320x180:r=25:d=0.04", *tone(440, 20)),
        *("-map", "0", "-map", "1", *h264(), "-pix_fmt", "yuv420p", "-c:a", "aac", str(film)),
    )

    _, made = published(film, tmp_path)

    assert made.film.seconds == pytest.approx(20, abs=0.1)
    assert seen(made.folder / "index.m3u8") == WHOLE_GREEN
    assert seen(made.folder / "poster.jpg") == WHOLE_GREEN
    assert tone_at(heard(made.folder / "index.m3u8"), 19.9) == 440


@pytest.mark.parametrize("seconds", [0.12, 0.4, 0.9])
def test_very_short_films(tmp_path: Path, seconds: float) -> None:
    """A film of some frames is a film."""
    film = tmp_path / "film.mp4"
    ffmpeg(*picture("green", seconds), *tone(440, seconds), *h264(), "-c:a", "aac", str(film))

    _, made = published(film, tmp_path)

    assert made.film.seconds == pytest.approx(seconds, abs=0.05)
    assert seen(made.folder / "index.m3u8") == WHOLE_GREEN


@pytest.mark.parametrize(
    ("size", "sample_ratio"), [("720x480", "32/27"), ("321x181", "1"), ("1081x721", "1")]
)
def test_odd_sizes(tmp_path: Path, size: str, sample_ratio: str) -> None:
    """A film of an odd displayed width or height, as of a DVD in 16:9, loses one row of pixels."""
    film = tmp_path / "film.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", f"color=green:s={size}:d=2", "-vf", f"setsar={sample_ratio}"),
        *("-c:v", "mpeg4", str(film)),
    )

    _, made = published(film, tmp_path)

    assert made.film.seconds == pytest.approx(2, abs=0.1)
    assert seen(made.folder / "index.m3u8") == WHOLE_GREEN


def test_a_recording_of_a_screen(tmp_path: Path) -> None:
    """If a part of a film has many pictures a second, all are kept, even if there are few later."""
    film = tmp_path / "film.mp4"
    pictures = "testsrc2=s=320x180:r=60:d=12,select='lt(t,3)+not(mod(n,60))',format=yuv420p"
    ffmpeg(
        *("-f", "lavfi", "-i", pictures, *tone(440, 12), *h264(), "-fps_mode", "vfr"),
        *("-c:a", "aac", str(film)),
    )

    source, made = published(film, tmp_path)

    assert source.video.frame_rate == 60
    assert made.film.seconds == pytest.approx(12, abs=0.1)
    assert different_pictures(made.folder / "index.m3u8", 3) >= 150


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_high_dynamic_range_that_does_not_say_its_primaries(tmp_path: Path, transfer: str) -> None:
    """HDR without declared primaries is treated as BT.2020, which the transfer implies."""
    grey = "color=0x808080:s=320x180:r=25:d=2,format=yuv420p10le"
    told = ":colorprim=bt2020:colormatrix=bt2020nc"
    shades = []
    for name, parameters in (("bare", ""), ("told", told)):
        folder = tmp_path / name
        folder.mkdir()
        film = folder / "film.mkv"
        ffmpeg(
            *("-f", "lavfi", "-i", grey, "-c:v", "libx265", "-preset", "ultrafast"),
            *("-x265-params", f"log-level=none:transfer={transfer}{parameters}", str(film)),
        )
        _, made = published(film, folder)
        one = ("-frames:v", "1", "-vf", "scale=1:1,format=rgb24", "-f", "rawvideo", "-")
        shades.append(ffmpeg("-i", str(made.folder / "index.m3u8"), "-map", "0:v:0", *one))

    bare, said = shades
    assert max(bare) - min(bare) <= 12
    assert all(abs(a - b) <= 16 for a, b in zip(bare, said, strict=True))
