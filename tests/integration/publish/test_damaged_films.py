"""What is damaged, incomplete or no film is told; silence and black are not."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.film_maker import ffmpeg, h264, heard, picture, recording, tone
from tests.support.published_films import published, tone_at
from tools.publish.errors import PublishError
from tools.publish.packaging.package import Package, package
from tools.publish.probe import probe

SECONDS = 9
FAST_START = ("-movflags", "+faststart")


def content(suffix: str, *options: str) -> bytes:
    """The bytes of a film in the format of a suffix."""
    return recording(f".{suffix}", "green", 440, *h264(), "-c:a", "aac", *options, seconds=SECONDS)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_a_download_that_broke_off(tmp_path: Path, suffix: str) -> None:
    """A file with a third of its declared data is detected, and that part can be published."""
    whole, film = tmp_path / f"whole.{suffix}", tmp_path / f"film.{suffix}"
    whole.write_bytes(content(suffix, *(FAST_START if suffix != "mkv" else ())))
    film.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])

    source, made = published(film, tmp_path)

    assert source.damage.endswith("s are missing of the 9.0 s it declares")
    assert probe(whole).damage == ""
    assert 1.8 < made.film.seconds < 4.2
    tones = heard(made.folder / "index.m3u8")
    assert tone_at(tones, math.floor(made.film.seconds * 10) / 10 - 0.6) == 440


def damaged(folder: Path, name: str, damage: Callable[[bytes, int], bytes], *options: str) -> Path:
    """A film whose last two thirds are replaced by the result of ``damage``.

    ``damage`` gets these bytes, and the size of a third in bytes.
    """
    whole, film = folder / f"whole.{name}", folder / f"film.{name}"
    undamaged = content(name, *options)
    third = len(undamaged) // 3
    whole.write_bytes(undamaged)
    film.write_bytes(undamaged[:third] + damage(undamaged[third:], third))
    return film


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("avi", ()),
        ("mp4", ("-g", "12", "-movflags", "+frag_keyframe+empty_moov+default_base_moof")),
    ],
)
def test_a_file_that_ends_inside_a_part(
    tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    """A file without a declared length is incomplete if its last part is cut off."""
    source = probe(damaged(tmp_path, name, lambda *_: b"", *options))

    assert "bytes of its last part are missing" in source.damage
    assert probe(tmp_path / f"whole.{name}").damage == ""


def test_a_gif_without_its_end(tmp_path: Path) -> None:
    """A picture in motion that lacks the mark of its end is reported as incomplete."""
    whole, film = tmp_path / "whole.gif", tmp_path / "film.gif"
    ffmpeg(*picture("green", 2), str(whole))
    film.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])

    assert "lacks the mark at the end" in probe(film).warnings[0]
    assert probe(whole).warnings == ()


def test_room_that_was_never_filled(tmp_path: Path) -> None:
    """Zeros at the end are reported, and the part before them can be published."""
    film = damaged(tmp_path, "mp4", lambda rest, _: bytes(len(rest)), *FAST_START)

    source, made = published(film, tmp_path)

    assert source.damage.endswith("s are missing of the 9.0 s it declares")
    assert 1.8 < made.film.seconds < 4.2


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        *(("mov", "pcm_s16le"), ("avi", "adpcm_ms"), ("avi", "adpcm_ima_wav")),
        *(("mov", "adpcm_ima_qt"), ("mkv", "flac"), ("mkv", "ac3"), ("mkv", "libopus")),
        *(("mkv", "tta"), ("mp4", "aac"), ("mp4", "libmp3lame"), ("mov", "alac")),
    ],
)
def test_silence_is_no_damage(tmp_path: Path, name: str, codec: str) -> None:
    """Silence that a codec stores as zeros is not treated as unwritten space."""
    film = tmp_path / f"film.{name}"
    silence = ("-f", "lavfi", "-t", "3", "-i", "anullsrc=r=48000:cl=mono")
    ffmpeg(*picture("green", 3), *silence, *h264(), "-c:a", codec, str(film))

    assert probe(film).damage == ""


@pytest.mark.parametrize("codec", ["v210", "r10k", "avrp", "qtrle"])
def test_black_is_no_damage(tmp_path: Path, codec: str) -> None:
    """Black that a codec stores as zeros is not treated as unwritten space."""
    film = tmp_path / "film.mov"
    ffmpeg(*picture("black", 3), "-c:v", codec, str(film))

    source = probe(film)

    assert source.damage == ""
    assert source.duration_seconds == 3


def test_a_hole_in_the_middle(tmp_path: Path) -> None:
    """If neither picture nor sound remains, publishing warns of it."""
    source = probe(damaged(tmp_path, "mkv", lambda rest, third: bytes(third) + rest[third:]))

    (warning,) = source.warnings
    assert warning.startswith("the file is empty from 3.")


def test_a_part_that_cannot_be_decoded(tmp_path: Path) -> None:
    """A film with a damaged middle is rejected, unless incomplete files are allowed."""

    def with_rubbish(rest: bytes, third: int) -> bytes:
        return (bytes(range(7, 250)) * third)[:third] + rest[third:]

    source = probe(damaged(tmp_path, "mp4", with_rubbish, *FAST_START))

    def make(name: str, *, is_incomplete_allowed: bool) -> Package:
        return package(
            source,
            tmp_path / name,
            version="v",
            title="",
            preset="ultrafast",
            on_seconds=lambda _: None,
            is_incomplete_allowed=is_incomplete_allowed,
        )

    with pytest.raises(PublishError, match="the file is damaged"):
        make("refused", is_incomplete_allowed=False)
    assert "cannot be decoded" in make("allowed", is_incomplete_allowed=True).notes[0]


def test_a_film_whose_pictures_are_missing(tmp_path: Path) -> None:
    """A fragmented file that ends before its first picture is reported as damaged."""
    whole, film = tmp_path / "whole.mp4", tmp_path / "film.mp4"
    ffmpeg(
        *(*picture("green", 6), *tone(440, 6), *h264(), "-c:a", "aac"),
        *("-movflags", "+frag_keyframe+empty_moov", "-frag_duration", "10000000", str(whole)),
    )
    content = whole.read_bytes()
    film.write_bytes(content[: content.index(b"mdat") + 20])

    with pytest.raises(PublishError, match="damaged or incomplete"):
        probe(film)


@pytest.mark.parametrize("name", ["list.mp4", "list.m3u8", "list.ffconcat", "list.txt", "list.mkv"])
def test_files_that_name_other_files_are_no_films(tmp_path: Path, name: str) -> None:
    """A list of file names does not publish another file of this machine."""
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(recording(".mp4", "green", 440, *h264(), "-an", seconds=1))
    presentation = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S"><Period><AdaptationSet><Representation id="1" '
        f'bandwidth="1"><BaseURL>{secret.name}</BaseURL></Representation></AdaptationSet>'
        "</Period></MPD>"
    )
    session = (
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    )
    lists = (
        f"ffconcat version 1.0\nfile {secret.name}\n",
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret.name}\n#EXT-X-ENDLIST\n",
        presentation,
        session,
    )
    for content in lists:
        path = tmp_path / name
        path.write_text(content)

        with pytest.raises(PublishError, match="cannot read it"):
            probe(path)
