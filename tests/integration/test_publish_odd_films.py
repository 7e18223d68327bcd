"""Films of cameras, receivers, recorders and interrupted downloads, packaged and played."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.film_maker import (
    different_pictures,
    ffmpeg,
    h264,
    heard,
    picture,
    seen,
    sound_seconds,
    tone,
)
from tools.publish.errors import PublishError
from tools.publish.packaging.package import Package, package
from tools.publish.probe import probe
from tools.publish.source import Source

WHOLE_GREEN = [(0.0, "green")]
Make = Callable[[Path], Path]


def published(film: Path, folder: Path) -> tuple[Source, Package]:
    """Package a film as publishing does, before the upload."""
    source = probe(film)
    made = package(
        source,
        folder / "package",
        version="v",
        title="",
        preset="ultrafast",
        on_seconds=lambda _: None,
    )
    return source, made


def tone_at(tones: list[tuple[float, int]], seconds: float) -> int:
    """Return the audible tone at a time."""
    return [hertz for start, hertz in tones if start <= seconds][-1]


def timecode(folder: Path) -> Path:
    """A QuickTime film with a timecode and a chapter track."""
    chapters = folder / "chapters.txt"
    chapters.write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=3\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1\nSTART=3\nEND=6\ntitle=Two\n"
    )
    film = folder / "film.mov"
    ffmpeg(
        *(*picture("green", 6), *tone(440, 6), "-i", str(chapters), "-map", "0", "-map", "1"),
        *("-map_metadata", "2", "-map_chapters", "2", *h264(), "-c:a", "aac"),
        *("-timecode", "01:00:00:00", str(film)),
    )
    return film


def undecodable_sound(folder: Path) -> Path:
    """A film whose second audio track has an unsupported codec."""
    film = folder / "film.mov"
    ffmpeg(
        *(*picture("green", 6), *tone(440, 6), *tone(880, 6), "-map", "0", "-map", "1"),
        *("-map", "2", *h264(), "-c:a", "aac", str(film)),
    )
    content = film.read_bytes()
    entry = content.rindex(b"mp4a", 0, content.rindex(b"wave"))
    content = content[:entry] + b"apac" + content[entry + 4 :]
    box = content.index(b"wave", entry)
    film.write_bytes(content[:box] + b"free" + content[box + 4 :])
    return film


def cover_first(folder: Path) -> Path:
    """A film after a cover that is stored as an ordinary video track."""
    film, cover = folder / "film.mkv", folder / "cover.jpg"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=300x450", "-frames:v", "1", str(cover))
    ffmpeg(
        *("-f", "mjpeg", "-i", str(cover), *picture("green", 6), *tone(440, 6)),
        *("-map", "0", "-map", "1", "-map", "2", "-c:v:0", "copy", "-c:v:1", "libx264"),
        *("-c:a", "aac", "-disposition:v:0", "default", "-disposition:v:1", "0", str(film)),
    )
    return film


def nine_channels(folder: Path) -> Path:
    """A film with nine channels of sound without a loudspeaker layout."""
    film = folder / "film.mov"
    sounds = "|".join(["sin(440*2*PI*t)/8"] * 9)
    ffmpeg(
        *(*picture("green", 6), "-f", "lavfi", "-i", f"aevalsrc=exprs={sounds}:s=48000:d=6"),
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
        *(*picture("green", 6), "-f", "lavfi", "-i", f"aevalsrc=exprs={sounds}:s=48000:d=6"),
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
    film, cover = folder / "film.mp4", folder / "cover.jpg"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=300x450", "-frames:v", "1", str(cover))
    ffmpeg(
        *("-i", str(cover), *picture("green", 6), *tone(440, 6), "-i", str(cover)),
        *("-map", "0", "-map", "1", "-map", "2", "-map", "3", "-c:v:0", "copy"),
        *("-c:v:1", "libx264", "-c:v:2", "copy", "-c:a", "aac"),
        *("-disposition:v:0", "attached_pic", "-disposition:v:2", "attached_pic", str(film)),
    )
    return film


def short_trailer_first(folder: Path) -> Path:
    """A film after a track of three pictures that is marked as the default."""
    film = folder / "film.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "color=red:s=300x450:d=0.12", *picture("green", 6), *tone(440, 6)),
        *("-map", "0", "-map", "1", "-map", "2", *h264(), "-c:a", "aac"),
        *("-disposition:v:0", "default", "-disposition:v:1", "0", str(film)),
    )
    return film


def data_first(folder: Path) -> Path:
    """A transport stream whose first track is data, as receivers record it."""
    tagged, film = folder / "tagged.mp4", folder / "film.ts"
    ffmpeg(
        *(*picture("green", 6), *tone(440, 6), "-map", "0", "-map", "1", *h264()),
        *("-c:a", "aac", "-timecode", "01:00:00:00", str(tagged)),
    )
    ffmpeg(
        *("-i", str(tagged), "-map", "0:d", "-map", "0:v", "-map", "0:a", "-c", "copy"),
        *("-f", "mpegts", str(film)),
    )
    return film


@pytest.mark.parametrize("make", [nine_channels, one_of_24_channels])
def test_all_channels_are_heard(make: Make, tmp_path: Path) -> None:
    """Sound in any channel is audible on both sides, at a hundredth of full scale at least."""
    _, made = published(make(tmp_path), tmp_path)

    track = made.folder / made.film.audio[0].path / "index.m3u8"
    for side in ("FL", "FR"):
        raw = ffmpeg("-i", str(track), "-af", f"pan=mono|c0={side}", "-f", "s16le", "-")
        assert max(memoryview(raw).cast("h")) > 328


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


@pytest.mark.parametrize(
    "make",
    [
        *(timecode, undecodable_sound, cover_first, nine_channels, ambisonic),
        *(mov_with_two_covers, short_trailer_first, data_first),
    ],
)
def test_the_film_is_found_among_what_a_file_holds(make: Make, tmp_path: Path) -> None:
    """Six seconds, green and moving, with its one audio track, whatever else the file has."""
    source, made = published(make(tmp_path), tmp_path)
    playlist = made.folder / "index.m3u8"

    assert made.film.seconds == pytest.approx(6, abs=0.1)
    assert len(made.film.audio) == 1
    assert seen(playlist) == WHOLE_GREEN
    tones = heard(playlist)
    assert {tone_at(tones, at / 10) for at in range(1, 59)} == {440}
    assert different_pictures(playlist, 6) > 140
    assert (source.video.width, source.video.height) == (320, 180)
    assert seen(made.folder / "poster.jpg") == WHOLE_GREEN


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    """Each track that is not published is named with the reason."""
    (tmp_path / "sound").mkdir()
    (tmp_path / "cover").mkdir()

    assert probe(undecodable_sound(tmp_path / "sound")).left_out == (
        "audio track 2: sound of an unknown kind cannot be decoded",
    )
    assert probe(cover_first(tmp_path / "cover")).left_out == (
        "video track 0: a film has one picture",
    )


def recording(folder: Path, *, size: str, channels: int, offset: int, codec: str = "ac3") -> Path:
    """Two transport streams of four seconds, one after the other in one file."""
    parts = (("red", "320x180", 440, 2, 0), ("blue", size, 880, channels, offset))
    content = b""
    for colour, part_size, hertz, part_channels, begins_at in parts:
        part = folder / "part.ts"
        ffmpeg(
            *(*picture(colour, 4, size=part_size), *tone(hertz, 4), *h264(), "-c:a", codec),
            *("-ac", str(part_channels), "-output_ts_offset", str(begins_at)),
            *("-f", "mpegts", str(part)),
        )
        content += part.read_bytes()
    film = folder / "film.ts"
    film.write_bytes(content)
    return film


@pytest.mark.parametrize(
    ("size", "channels", "offset", "codec"),
    [
        pytest.param("320x180", 6, 4, "ac3", id="stereo, then 5.1"),
        pytest.param("320x180", 1, 4, "ac3", id="stereo, then mono"),
        pytest.param("480x270", 2, 4, "ac3", id="larger pictures"),
        pytest.param("160x90", 2, 4, "ac3", id="smaller pictures"),
        pytest.param("240x180", 2, 4, "ac3", id="pictures of another shape"),
        pytest.param("320x180", 2, 0, "aac", id="two recordings joined"),
        pytest.param("320x180", 2, 0, "ac3", id="two recordings joined, AC-3"),
        pytest.param("320x180", 6, 0, "eac3", id="two recordings joined, stereo, then 5.1"),
        pytest.param("320x180", 2, 90_000, "aac", id="time stamps a day later"),
        pytest.param("320x180", 2, 90_000, "mp2", id="time stamps a day later, MP2"),
    ],
)
def test_recordings_that_change_on_the_way(
    tmp_path: Path, size: str, channels: int, offset: int, codec: str
) -> None:
    """Sound and picture change together, at four seconds, and nothing is added or lost."""
    film = recording(tmp_path, size=size, channels=channels, offset=offset, codec=codec)

    _, made = published(film, tmp_path)

    playlist = made.folder / "index.m3u8"
    assert made.film.seconds == pytest.approx(8, abs=0.15)
    assert sound_seconds(playlist) == pytest.approx(8, abs=0.15)
    (_, red), (picture_changes, blue) = seen(playlist)
    assert (red, blue) == ("red", "blue")
    # Recordings that are joined are longer than their pictures, by the end of their sound.
    assert picture_changes == pytest.approx(4, abs=0.041 if offset == 4 else 0.1)
    tones = [(at, hertz) for at, hertz in heard(playlist) if hertz and at > 0.1]
    (sound_changes, hertz), *_ = [each for each in tones if each[1] == 880]
    assert hertz == 880
    assert sound_changes == pytest.approx(picture_changes, abs=0.041)
    assert tone_at(heard(playlist), 1) == 440
    assert tone_at(heard(playlist), 7.8) == 880


def test_sound_is_heard_when_it_is_due(tmp_path: Path) -> None:
    """A sound at two seconds in the source is there at two seconds, with and without edit lists."""
    film = tmp_path / "film.mov"
    click = "aevalsrc='if(between(t,2,2.2),sin(2*PI*440*t),0)':s=48000:d=6"
    ffmpeg(
        *(*picture("green", 6), "-f", "lavfi", "-i", click, *h264()),
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


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_a_download_that_broke_off(tmp_path: Path, suffix: str) -> None:
    """A file with a third of its declared data is detected, and that part can be published."""
    whole, film = tmp_path / f"whole.{suffix}", tmp_path / f"film.{suffix}"
    ffmpeg(
        *(*picture("green", 15), *tone(440, 15), *h264(), "-c:a", "aac"),
        *(["-movflags", "+faststart"] if suffix != "mkv" else []),
        str(whole),
    )
    film.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])

    source, made = published(film, tmp_path)

    assert source.damage.endswith("s are missing of the 15.0 s it declares")
    assert probe(whole).damage == ""
    assert 3 < made.film.seconds < 7
    tones = heard(made.folder / "index.m3u8")
    assert tone_at(tones, math.floor(made.film.seconds * 10) / 10 - 0.6) == 440


def damaged(folder: Path, name: str, damage: Callable[[bytes, int], bytes], *options: str) -> Path:
    """A film of 15 s whose last two thirds are replaced by the result of ``damage``.

    ``damage`` gets these bytes, and the size of a third in bytes.
    """
    whole, film = folder / f"whole.{name}", folder / f"film.{name}"
    ffmpeg(*picture("green", 15), *tone(440, 15), *h264(), "-c:a", "aac", *options, str(whole))
    content = whole.read_bytes()
    third = len(content) // 3
    film.write_bytes(content[:third] + damage(content[third:], third))
    return film


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("avi", ()),
        ("mp4", ("-movflags", "+frag_keyframe+empty_moov+default_base_moof")),
    ],
)
def test_a_file_that_ends_inside_a_part(
    tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    """A file without a declared length is incomplete if its last part is cut off."""
    source = probe(damaged(tmp_path, name, lambda *_: b"", *options))

    assert "bytes of its last part are missing" in source.damage
    assert probe(tmp_path / f"whole.{name}").damage == ""


def test_room_that_was_never_filled(tmp_path: Path) -> None:
    """Zeros at the end are reported, and the part before them can be published."""
    film = damaged(tmp_path, "mp4", lambda rest, _: bytes(len(rest)), "-movflags", "+faststart")

    source, made = published(film, tmp_path)

    assert source.damage.endswith("s are missing of the 15.0 s it declares")
    assert 3 < made.film.seconds < 7


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
    silence = ("-f", "lavfi", "-t", "5", "-i", "anullsrc=r=48000:cl=mono")
    ffmpeg(*picture("green", 5), *silence, *h264(), "-c:a", codec, str(film))

    assert probe(film).damage == ""


@pytest.mark.parametrize("codec", ["v210", "r10k", "avrp", "qtrle"])
def test_black_is_no_damage(tmp_path: Path, codec: str) -> None:
    """Black that a codec stores as zeros is not treated as unwritten space."""
    film = tmp_path / "film.mov"
    ffmpeg(*picture("black", 5), "-c:v", codec, str(film))

    source = probe(film)

    assert source.damage == ""
    assert source.duration_seconds == 5


def test_a_hole_in_the_middle(tmp_path: Path) -> None:
    """If neither picture nor sound remains, publishing warns of it."""
    source = probe(damaged(tmp_path, "mkv", lambda rest, third: bytes(third) + rest[third:]))

    (warning,) = source.warnings
    assert warning.startswith("the file is empty from 4.")


def test_a_part_that_cannot_be_decoded(tmp_path: Path) -> None:
    """A film with a damaged middle is rejected, unless incomplete files are allowed."""

    def with_rubbish(rest: bytes, third: int) -> bytes:
        return (bytes(range(7, 250)) * third)[:third] + rest[third:]

    source = probe(damaged(tmp_path, "mp4", with_rubbish, "-movflags", "+faststart"))

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
    ffmpeg(*picture("green", 1), *h264(), str(secret))
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
