"""A finished package that differs from its source is refused before the upload."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.support.film_maker import ffmpeg, h264
from tests.support.published_films import published
from tools.publish import encoding, inspection
from tools.publish.encoding import Encoder
from tools.publish.errors import PublishError
from tools.publish.ladder import ladder
from tools.publish.packaging.package import Package
from tools.publish.probe import probe
from tools.publish.source import Source

SECONDS = 6
# Tones of different lengths, so that a shift has one explanation only.
SPOKEN = "sin(2*PI*440*t)*gt(sin(2*PI*t*(1+t/4)),0)/2"
OTHER_SPOKEN = "sin(2*PI*440*t)*gt(sin(2*PI*(9-t)*(1+(9-t)/3)),0)/2"
MOVING = f"testsrc2=s=320x180:r=25:d={SECONDS}"


def film(path: Path, *filters: str, picture: str = MOVING, sound: str = SPOKEN) -> Path:
    """A film of six seconds with moving pictures and changing sound."""
    ffmpeg(
        *("-f", "lavfi", "-i", picture),
        *("-f", "lavfi", "-i", f"aevalsrc='{sound}':s=48000:d={SECONDS}"),
        *(*filters, *h264(), "-pix_fmt", "yuv420p", "-c:a", "aac", str(path)),
    )
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """The film that should have been packaged."""
    return probe(film(tmp_path_factory.mktemp("source") / "film.mp4"))


@pytest.fixture(scope="module")
def told_of_source(source: Source, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What ffmpeg logs of the source while it is encoded."""
    video = source.video
    rungs = ladder(video.width, video.height, video.frame_rate)
    folder = tmp_path_factory.mktemp("encoded")
    return Encoder(source, rungs, encoding.PRESETS[0]).encode(folder, lambda _: None)


def packaged(path: Path) -> Package:
    """Package a film, which equals its own source."""
    _, made = published(path, path.parent)
    return made


def inspect(source: Source, told_of_source: str, made: Package) -> None:
    """Compare a package with the source."""
    inspection.inspect(source, told_of_source, made.film, made.folder / "index.m3u8")


Make = Callable[[Path], Path]


@pytest.fixture(scope="module")
def packaged_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Make], Package]:
    """Makes and packages each film once, for all tests that look at it."""

    @cache
    def make_package(make: Make) -> Package:
        return packaged(make(tmp_path_factory.mktemp(make.__name__) / "film.mp4"))

    return make_package


def late_sound(path: Path) -> Path:
    """The film with its sound 0.2 s late."""
    return film(path, "-af", f"adelay=200:all=1,atrim=end={SECONDS}")


def early_sound(path: Path) -> Path:
    """The film with its sound 0.1 s early."""
    return film(path, "-af", f"atrim=start=0.1,asetpts=PTS-STARTPTS,apad=whole_dur={SECONDS}")


def half(path: Path) -> Path:
    """The first half of the film."""
    return film(path, "-t", str(SECONDS / 2))


def half_held(path: Path) -> Path:
    """The first half of the film, then its last picture and silence."""
    still = f"trim=end={SECONDS / 2},tpad=stop_mode=clone:stop_duration={SECONDS / 2}"
    return film(path, "-vf", still, "-af", f"atrim=end={SECONDS / 2},apad=whole_dur={SECONDS}")


def frozen(path: Path) -> Path:
    """The film with one picture for four seconds in the middle."""
    return film(path, "-vf", "loop=loop=100:size=1:start=25,trim=end=6,setpts=N/25/TB")


def frozen_across_a_keyframe(path: Path) -> Path:
    """The film with one picture from 2.2 s to 5.2 s; there is a keyframe at 4 s."""
    return film(path, "-vf", "loop=loop=75:size=1:start=55,trim=end=6,setpts=N/25/TB")


def silent(path: Path) -> Path:
    """The film with two seconds of silence."""
    return film(path, "-af", "volume=0:enable='between(t,3,5)'")


def other_sound(path: Path) -> Path:
    """The pictures of the film with the sound of another one."""
    return film(path, sound=OTHER_SPOKEN)


def other_picture(path: Path) -> Path:
    """The sound of the film with the pictures of another one."""
    return film(path, picture=f"mandelbrot=s=320x180:r=25,trim=end={SECONDS}")


def without_sound(path: Path) -> Path:
    """The film with silence in place of its sound."""
    return film(path, sound="0")


@pytest.mark.parametrize(
    ("make", "finding"),
    [
        (late_sound, "the sound of the encoded film is 0.2[01] s late at 0 s"),
        (early_sound, "the sound of the encoded film is 0.1[01] s early at 0 s"),
        (half, "the encoded film has 3.0. s instead of 6.0. s"),
        (half_held, "the encoded film is still from [34].. s to 6.0 s, unlike its source"),
        (frozen, "the encoded film is still from [1-4].. s to [45].. s, unlike its source"),
        (
            frozen_across_a_keyframe,
            "the encoded film is still from [23].. s to 5.. s, unlike its source",
        ),
        (silent, "the encoded film is silent from 3.. s to 5.. s, unlike its source"),
        (without_sound, "the encoded film is silent from 0.0 s to 6.0 s, unlike its source"),
        (other_sound, "the encoded film has another sound than its source at 0 s"),
        (other_picture, "the encoded film has another picture than its source at 0 s"),
    ],
)
def test_a_package_that_differs(
    source: Source,
    told_of_source: str,
    packaged_once: Callable[[Make], Package],
    make: Make,
    finding: str,
) -> None:
    """Each difference between a package and its source is found, and named with its time."""
    made = packaged_once(make)

    with pytest.raises(PublishError, match=finding):
        inspect(source, told_of_source, made)


def test_a_package_without_one_audio_track(
    tmp_path: Path, source: Source, told_of_source: str, packaged_once: Callable[[Make], Package]
) -> None:
    """An audio track that is shorter than the film is found, although the film is long enough."""
    short, made = packaged_once(half), packaged_once(film)
    folder = tmp_path / "package"
    shutil.copytree(made.folder, folder)
    shutil.rmtree(folder / made.film.audio[0].path)
    shutil.copytree(short.folder / short.film.audio[0].path, folder / made.film.audio[0].path)

    with pytest.raises(PublishError, match=r"an audio track has 3.0. s instead of 6.0. s"):
        inspect(source, told_of_source, replace(made, folder=folder))


def test_the_package_of_the_source(
    source: Source, told_of_source: str, packaged_once: Callable[[Make], Package]
) -> None:
    """A right package, even one that was encoded twice, passes."""
    inspect(source, told_of_source, packaged_once(film))


def test_differences_within_the_tolerance(
    tmp_path: Path, source: Source, told_of_source: str
) -> None:
    """Sound that is 30 ms late, which nobody notices, passes."""
    made = packaged(film(tmp_path / "film.mp4", "-af", f"adelay=30:all=1,atrim=end={SECONDS}"))

    inspect(source, told_of_source, made)
