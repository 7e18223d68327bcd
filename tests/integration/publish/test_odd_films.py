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
        *("-f", "lavfi", "-i", "color=green:s=320x180:r=25:d=0.04", *tone(440, 10)),
        *("-map", "0", "-map", "1", *h264(), "-pix_fmt", "yuv420p", "-c:a", "aac", str(film)),
    )

    _, made = published(film, tmp_path)

    assert made.film.seconds == pytest.approx(10, abs=0.1)
    assert seen(made.folder / "index.m3u8") == WHOLE_GREEN
    assert seen(made.folder / "poster.jpg") == WHOLE_GREEN
    assert tone_at(heard(made.folder / "index.m3u8"), 9.9) == 440


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
        *("-f", "lavfi", "-i", f"color=green:s={size}:d=1", "-vf", f"setsar={sample_ratio}"),
        *("-c:v", "mpeg4", str(film)),
    )

    _, made = published(film, tmp_path)

    assert made.film.seconds == pytest.approx(1, abs=0.1)
    assert seen(made.folder / "index.m3u8") == WHOLE_GREEN


def test_a_recording_of_a_screen(tmp_path: Path) -> None:
    """If a part of a film has many pictures a second, all are kept, even if there are few later."""
    film = tmp_path / "film.mp4"
    pictures = "testsrc2=s=320x180:r=60:d=6,select='lt(t,3)+not(mod(n,60))',format=yuv420p"
    ffmpeg(
        *("-f", "lavfi", "-i", pictures, *tone(440, 6), *h264(), "-fps_mode", "vfr"),
        *("-c:a", "aac", str(film)),
    )

    source, made = published(film, tmp_path)

    assert source.video.frame_rate == 60
    assert made.film.seconds == pytest.approx(6, abs=0.1)
    assert different_pictures(made.folder / "index.m3u8", 3) >= 150


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_high_dynamic_range_that_does_not_say_its_primaries(tmp_path: Path, transfer: str) -> None:
    """HDR without declared primaries is treated as BT.2020, which the transfer implies."""
    grey = "color=0x808080:s=320x180:r=25:d=1,format=yuv420p10le"
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


@pytest.mark.parametrize("encoder", ["libx264", "libx265"])
def test_a_larger_size_with_reordered_pictures(tmp_path: Path, encoder: str) -> None:
    """The largest size is found although the decoder returns pictures later than it gets them."""
    film = tmp_path / "film.ts"
    quiet = ("-x265-params", "log-level=none") if encoder == "libx265" else ()
    content = b""
    for colour, size, begins_at in (("red", "320x180", 0), ("blue", "480x270", 2)):
        part = tmp_path / "part.ts"
        ffmpeg(
            *(*picture(colour, 2, size=size), *tone(440, 2), "-c:v", encoder, *quiet),
            *("-preset", "veryfast", "-bf", "3", "-g", "25", "-c:a", "ac3"),
            *("-output_ts_offset", str(begins_at), str(part)),
        )
        content += part.read_bytes()
    film.write_bytes(content)

    source, made = published(film, tmp_path)

    assert (source.video.width, source.video.height) == (480, 270)
    assert source.video.frame_rate == 25
    assert [colour for _, colour in seen(made.folder / "index.m3u8")] == ["red", "blue"]


@pytest.mark.parametrize("encoder", ["libx264", "mjpeg"])
def test_full_range(tmp_path: Path, encoder: str) -> None:
    """The levels of cameras that use the full range are those that players expect."""
    film = tmp_path / "film.mkv"
    full = ("-vf", "scale=out_range=pc,format=yuvj420p", "-color_range", "pc")
    grey = "color=0x303030:s=320x180:r=25:d=1"
    ffmpeg("-f", "lavfi", "-i", grey, *full, "-c:v", encoder, str(film))

    _, made = published(film, tmp_path)

    one = ("-frames:v", "1", "-vf", "scale=1:1,format=rgb24", "-f", "rawvideo", "-")
    shade = ffmpeg("-i", str(made.folder / "index.m3u8"), "-map", "0:v:0", *one)
    assert all(abs(each - 0x30) <= 5 for each in shade)


def test_grain_is_no_motion(tmp_path: Path) -> None:
    """Fine grain on a still room, in which only lips move, may be lost in the encoding."""
    film = tmp_path / "film.mp4"
    room = "testsrc=s=1280x720:r=25,trim=end_frame=1,loop=loop=-1:size=1,setpts=N/25/TB,trim=end=3"
    lips = "testsrc2=s=40x24:r=25:d=3"
    filters = f"{room}[a];{lips}[b];[a][b]overlay=600:400,noise=alls=4:allf=t,format=yuv420p"
    ffmpeg("-f", "lavfi", "-i", filters, *h264(), "-crf", "12", str(film))

    _, made = published(film, tmp_path)

    assert made.film.seconds == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("encoder", ["libx264", "mpeg2video"])
@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        pytest.param(("360x288", "16/15"), ("360x288", "64/45"), (512, 288), id="wider pixels"),
        pytest.param(("360x288", "16/15"), ("640x360", "1"), (640, 360), id="more pixels"),
    ],
)
def test_pixels_that_change_their_shape(
    tmp_path: Path,
    first: tuple[str, str],
    second: tuple[str, str],
    shown: tuple[int, int],
    encoder: str,
) -> None:
    """A station may change from 4:3 to 16:9, also in the same number of pixels; both are right."""
    film = tmp_path / "film.ts"
    content = b""
    for colour, (size, shape), begins_at in (("red", first, 0), ("blue", second, 2)):
        part = tmp_path / "part.ts"
        ffmpeg(
            *(*picture(colour, 2, size=size), *tone(440, 2), "-vf", f"setsar={shape}"),
            *("-c:v", encoder, "-g", "25", "-c:a", "ac3", "-output_ts_offset", str(begins_at)),
            str(part),
        )
        content += part.read_bytes()
    film.write_bytes(content)

    source, made = published(film, tmp_path)

    assert (source.video.width, source.video.height) == shown
    left_edge = "crop=60:ih:0:0,scale=1:1,format=rgb24"
    raw = ffmpeg(
        *("-i", str(made.folder / "index.m3u8"), "-map", "0:v:0", "-vf", left_edge),
        *("-f", "rawvideo", "-"),
    )
    edges = [max(raw[at : at + 3]) for at in range(0, len(raw), 3)]
    assert max(edges[:45]) < 40
    assert min(edges[55:]) > 150


def test_a_film_fills_its_picture(tmp_path: Path) -> None:
    """If rounding to an even size changes the shape a little, there is no dark edge."""
    film = tmp_path / "film.mkv"
    white = "color=white:s=721x405:d=1"
    ffmpeg("-f", "lavfi", "-i", white, *h264(), "-pix_fmt", "yuv444p", str(film))

    _, made = published(film, tmp_path)

    for edge in ("iw:2:0:0", "iw:2:0:ih-2", "2:ih:0:0", "2:ih:iw-2:0"):
        options = ("-frames:v", "1", "-vf", f"crop={edge},scale=1:1,format=gray", "-f", "rawvideo")
        raw = ffmpeg("-i", str(made.folder / "index.m3u8"), "-map", "0:v:0", *options, "-")
        assert raw[0] > 200


def test_music_with_a_cover(tmp_path: Path) -> None:
    """A cover is the film's still picture if there is no other one."""
    cover, film = tmp_path / "cover.jpg", tmp_path / "film.m4a"
    ffmpeg("-f", "lavfi", "-i", "color=green:s=300x300", "-frames:v", "1", str(cover))
    ffmpeg(
        *(*tone(440, 4), "-i", str(cover), "-map", "0", "-map", "1", "-c:a", "aac"),
        *("-c:v", "copy", "-disposition:v:0", "attached_pic", str(film)),
    )

    _, made = published(film, tmp_path)

    assert made.film.seconds == pytest.approx(4, abs=0.1)
    assert seen(made.folder / "index.m3u8") == WHOLE_GREEN
    assert seen(made.folder / "poster.jpg") == WHOLE_GREEN
