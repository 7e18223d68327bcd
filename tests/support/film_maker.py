"""Small films made with ffmpeg, and the audible and visible contents of a published one."""

import subprocess
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio_ffmpeg

RATE = 8000
WINDOW_SECONDS = 0.02
# A tone of 440 Hz crosses zero 880 times a second.
TONES = (440, 880)


def ffmpeg(*arguments: str) -> bytes:
    """Run ffmpeg, which must succeed; return its standard output."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "error"]
    run = subprocess.run([*command, "-y", *arguments], capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode(errors="replace")[-2000:]
    return run.stdout


def picture(colour: str, seconds: float, *, size: str = "320x180", rate: int = 25) -> list[str]:
    """Return the input of a plain colour with a moving test picture in one corner."""
    text = (
        f"color={colour}:s={size}:r={rate}:d={seconds}[c];"
        f"testsrc2=s=96x64:r={rate}:d={seconds}[t];[c][t]overlay,format=yuv420p"
    )
    return ["-f", "lavfi", "-i", text]


def tone(hertz: int, seconds: float) -> list[str]:
    """Return the input of a tone."""
    return ["-f", "lavfi", "-i", f"sine=frequency={hertz}:sample_rate=48000:duration={seconds}"]


def h264() -> list[str]:
    """Return the options of a fast encoder."""
    return ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25"]


def vp8() -> list[str]:
    """Return the options of a fast encoder of VP8, whose threads would wait for each other."""
    return ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-threads", "1"]


@cache
def recording(
    suffix: str, colour: str, hertz: int, *options: str, seconds: float, size: str = "320x180"
) -> bytes:
    """Return a film with a tone in the format of a file name's suffix; each is made once."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"film{suffix}"
        ffmpeg(*picture(colour, seconds, size=size), *tone(hertz, seconds), *options, str(path))
        return path.read_bytes()


@dataclass(frozen=True, slots=True)
class Sound:
    """The duration of an audio track's samples, and its tones.

    These are each of ``TONES`` with its first second; 0 is silence.
    """

    seconds: float
    tones: list[tuple[float, int]]


def sound(manifest: Path, track: int = 0) -> Sound:
    """Decode an audio track."""
    samples = array("h")
    samples.frombytes(
        ffmpeg(
            *("-i", str(manifest), "-map", f"0:a:{track}", "-ac", "1", "-ar", str(RATE)),
            *("-f", "s16le", "-"),
        )
    )
    length = round(RATE * WINDOW_SECONDS)
    windows = [samples[n : n + length] for n in range(0, len(samples) - length + 1, length)]
    tones = _changes([_tone(window) for window in windows], WINDOW_SECONDS)
    return Sound(len(samples) / RATE, tones)


def heard(manifest: Path, track: int = 0) -> list[tuple[float, int]]:
    """Return the tones of an audio track."""
    return sound(manifest, track).tones


def seen(manifest: Path, rate: int = 25) -> list[tuple[float, str]]:
    """Return the colours of the picture's lower right quarter, with their first seconds."""
    pixels = ffmpeg(
        *("-i", str(manifest), "-map", "0:v:0", "-fps_mode", "passthrough"),
        *("-vf", "crop=iw/2:ih/2:iw/2:ih/2,scale=1:1,format=rgb24", "-f", "rawvideo", "-"),
    )
    names = ("red", "green", "blue")
    colours = [
        names[max(range(3), key=lambda channel: pixels[n + channel])]
        for n in range(0, len(pixels), 3)
    ]
    return _changes(colours, 1 / rate)


def different_pictures(manifest: Path, seconds: float) -> int:
    """Return how many pictures at the film's beginning differ from the previous one."""
    hashes = ffmpeg(
        *("-i", str(manifest), "-map", "0:v:0", "-t", str(seconds)),
        *("-vf", "scale=160:90", "-f", "framemd5", "-"),
    )
    lines = [line.rpartition(b",")[2] for line in hashes.splitlines() if line[:1] != b"#"]
    return len(list(groupby(lines)))


def _tone(window: "array[int]") -> int:
    if max(window) < 160 and min(window) > -160:
        return 0
    # Counted without a loop in Python, because a film has hundreds of thousands of samples.
    signs = bytes(map((0).__gt__, window))
    crossings = signs.count(b"\0\1") + signs.count(b"\1\0")
    hertz = crossings / 2 / WINDOW_SECONDS
    return min(TONES, key=lambda known: abs(known - hertz))


def _changes(values: Sequence[object], step: float) -> list:  # type: ignore[type-arg]
    changes = []
    at = 0
    for value, group in groupby(values):
        changes.append((round(at * step, 3), value))
        at += len(list(group))
    return changes
