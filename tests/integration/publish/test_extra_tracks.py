"""The film is found in a file that also has covers, data, time codes or many channels."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.support.film_maker import different_pictures, ffmpeg, h264, heard, picture, seen, tone
from tests.support.published_films import WHOLE_GREEN, published, tone_at
from tools.publish.packaging.package import Package
from tools.publish.source import Source

Make = Callable[[Path], Path]
Publish = Callable[[Make], tuple[Source, Package]]
SECONDS = 3
PICTURE = picture("green", SECONDS)
FILM = (*PICTURE, *tone(440, SECONDS))
REORDERED = ("-c:v:1", "libx264", "-preset", "veryfast")


def timecode(folder: Path) -> Path:
    """A QuickTime film with a timecode and a chapter track."""
    chapters = folder / "chapters.txt"
    chapters.write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1\nSTART=1\nEND=3\ntitle=Two\n"
    )
    film = folder / "film.mov"
    ffmpeg(
        *(*FILM, "-i", str(chapters), "-map", "0", "-map", "1"),
        *("-map_metadata", "2", "-map_chapters", "2", *h264(), "-c:a", "aac"),
        *("-timecode", "01:00:00:00", str(film)),
    )
    return film


def undecodable_sound(folder: Path) -> Path:
    """A film whose second audio track has an unsupported codec."""
    film = folder / "film.mov"
    ffmpeg(
        *(*FILM, *tone(880, SECONDS), "-map", "0", "-map", "1"),
        *("-map", "2", *h264(), "-c:a", "aac", str(film)),
    )
    content = film.read_bytes()
    entry = content.rindex(b"mp4a", 0, content.rindex(b"wave"))
    content = content[:entry] + b"apac" + content[entry + 4 :]
    box = content.index(b"wave", entry)
    film.write_bytes(content[:box] + b"free" + content[box + 4 :])
    return film


def red_cover(folder: Path, size: str = "300x450") -> Path:
    """A red picture."""
    cover = folder / "cover.jpg"
    ffmpeg("-f", "lavfi", "-i", f"color=red:s={size}", "-frames:v", "1", str(cover))
    return cover


def cover_first(folder: Path) -> Path:
    """A film after a cover that is stored as an ordinary video track."""
    film, cover = folder / "film.mkv", red_cover(folder)
    ffmpeg(
        *("-f", "mjpeg", "-i", str(cover), *FILM),
        *("-map", "0", "-map", "1", "-map", "2", "-c:v:0", "copy", *REORDERED),
        *("-c:a", "aac", "-disposition:v:0", "default", "-disposition:v:1", "0", str(film)),
    )
    return film


def nine_channels(folder: Path) -> Path:
    """A film with nine channels of sound without a loudspeaker layout."""
    film = folder / "film.mov"
    sounds = "|".join(["sin(440*2*PI*t)/8"] * 9)
    ffmpeg(
        *(*PICTURE, "-f", "lavfi", "-i", f"aevalsrc=exprs={sounds}:s=48000:d={SECONDS}"),
        *("-map", "0", "-map", "1", *h264(), "-c:a", "pcm_s16le", str(film)),
    )
    return film


def one_of_24_channels(folder: Path) -> Path:
    """A film with 24 channels of sound, of which only the last is not silent."""
    film = folder / "film.mov"
    sounds = "|".join([*["0"] * 23, "sin(440*2*PI*t)/8"])
    ffmpeg(
        *(*picture("green", 2), "-f", "lavfi", "-i", f"aevalsrc=exprs={sounds}:s=48000:d=2"),
        *("-map", "0", "-map", "1", *h264(), "-c:a", "pcm_s16le", str(film)),
    )
    return film


def ambisonic(folder: Path) -> Path:
    """A film with first-order ambisonics in Opus."""
    film = folder / "film.webm"
    sounds = "|".join(["sin(440*2*PI*t)/4", *["sin(440*2*PI*t)/16"] * 3])
    ffmpeg(
        *(*PICTURE, "-f", "lavfi", "-i", f"aevalsrc=exprs={sounds}:s=48000:d={SECONDS}"),
        *("-map", "0", "-map", "1", "-c:v", "libvpx-vp9", "-deadline", "realtime"),
        *("-cpu-used", "8", "-c:a", "libopus", "-mapping_family", "255", "-write_crc32", "0"),
        str(film),
    )
    content = bytearray(film.read_bytes())
    content[content.index(b"OpusHead") + 18] = 2
    film.write_bytes(content)
    return film


def mov_with_two_covers(folder: Path) -> Path:
    """A film with covers that are marked as such, before and after it."""
    film, cover = folder / "film.mp4", red_cover(folder)
    ffmpeg(
        *("-i", str(cover), *FILM, "-i", str(cover)),
        *("-map", "0", "-map", "1", "-map", "2", "-map", "3", "-c:v:0", "copy"),
        *(*REORDERED, "-c:v:2", "copy", "-c:a", "aac"),
        *("-disposition:v:0", "attached_pic", "-disposition:v:2", "attached_pic", str(film)),
    )
    return film


def short_trailer_first(folder: Path) -> Path:
    """A film after a track of three pictures that is marked as the default."""
    film = folder / "film.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "color=red:s=300x450:d=0.12", *FILM),
        *("-map", "0", "-map", "1", "-map", "2", *h264(), "-c:a", "aac"),
        *("-disposition:v:0", "default", "-disposition:v:1", "0", str(film)),
    )
    return film


def chapter_pictures_first(folder: Path) -> Path:
    """A film after a larger track with a picture for each chapter, which is marked as default."""
    film = folder / "film.mov"
    ffmpeg(
        *("-f", "lavfi", "-i", f"color=red:s=640x480:r=1:d={SECONDS}", *FILM),
        *("-map", "0", "-map", "1", "-map", "2", "-c:v:0", "mjpeg", *REORDERED),
        *("-c:a", "aac", "-disposition:v:0", "default", "-disposition:v:1", "0", str(film)),
    )
    return film


def cover_in_a_transport_stream(folder: Path) -> Path:
    """A film after a track of one picture, whose length is not told."""
    film, cover = folder / "film.ts", red_cover(folder, "304x456")
    ffmpeg(
        *("-i", str(cover), *FILM, "-map", "0", "-map", "1"),
        *("-map", "2", "-c:v:0", "mpeg2video", *REORDERED, "-c:a", "aac", str(film)),
    )
    return film


def data_first(folder: Path) -> Path:
    """A transport stream whose first track is data, as receivers record it."""
    tagged, film = folder / "tagged.mp4", folder / "film.ts"
    ffmpeg(
        *(*FILM, "-map", "0", "-map", "1", *h264()),
        *("-c:a", "aac", "-timecode", "01:00:00:00", str(tagged)),
    )
    ffmpeg(
        *("-i", str(tagged), "-map", "0:d", "-map", "0:v", "-map", "0:a", "-c", "copy"),
        *("-f", "mpegts", str(film)),
    )
    return film


@pytest.fixture(scope="module")
def published_once(tmp_path_factory: pytest.TempPathFactory) -> Publish:
    """Makes and packages each film once, for all tests that look at it."""

    @cache
    def publish(make: Make) -> tuple[Source, Package]:
        folder = tmp_path_factory.mktemp(make.__name__)
        return published(make(folder), folder)

    return publish


@pytest.mark.parametrize("make", [nine_channels, one_of_24_channels])
def test_all_channels_are_heard(make: Make, published_once: Publish) -> None:
    """Sound in any channel is audible on both sides, at a hundredth of full scale at least."""
    _, made = published_once(make)

    track = made.folder / made.film.audio[0].path / "index.m3u8"
    for side in ("FL", "FR"):
        raw = ffmpeg("-i", str(track), "-af", f"pan=mono|c0={side}", "-f", "s16le", "-")
        assert max(memoryview(raw).cast("h")) > 328


@pytest.mark.parametrize(
    "make",
    [
        *(timecode, undecodable_sound, cover_first, nine_channels, ambisonic),
        *(mov_with_two_covers, short_trailer_first, chapter_pictures_first, data_first),
        cover_in_a_transport_stream,
    ],
)
def test_the_film_is_found_among_what_a_file_holds(make: Make, published_once: Publish) -> None:
    """Three seconds, green and moving, with its one audio track, whatever else the file has."""
    source, made = published_once(make)
    playlist = made.folder / "index.m3u8"

    assert made.film.seconds == pytest.approx(SECONDS, abs=0.1)
    assert len(made.film.audio) == 1
    assert seen(playlist) == WHOLE_GREEN
    tones = heard(playlist)
    assert {tone_at(tones, at / 10) for at in range(1, 10 * SECONDS - 1)} == {440}
    assert different_pictures(playlist, SECONDS) > 25 * SECONDS - 10
    assert (source.video.width, source.video.height) == (320, 180)
    assert seen(made.folder / "poster.jpg") == WHOLE_GREEN


def test_what_is_left_out_is_told(published_once: Publish) -> None:
    """Each track that is not published is named with the reason."""
    without_sound, _ = published_once(undecodable_sound)
    without_cover, _ = published_once(cover_first)

    assert without_sound.left_out == ("audio track 2: sound of an unknown kind cannot be decoded",)
    assert without_cover.left_out == ("video track 0: a film has one picture",)
