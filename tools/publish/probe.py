"""What is in a film's file: its video, its audio and subtitle tracks, its duration.

ffmpeg's own report of its inputs is read here. A wheel with a prober (PyAV) would bring a second
copy of all codecs, in another version than the one that encodes.
"""

import re
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tools.publish import ffmpeg
from tools.publish.errors import PublishError

TEXT_CODECS = frozenset({"ass", "mov_text", "ssa", "srt", "subrip", "text", "webvtt"})
_SMALLEST_SIDE = 16
_FASTEST_RATE = 60
_SHORTEST_SECONDS = 0.1

_STREAM = re.compile(
    r"  Stream #0:(?P<index>\d+)(?:\[0x[0-9a-f]+\])?(?:\((?P<language>[^)]*)\))?: "
    r"(?P<kind>\w+): (?P<text>.*)"
)
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
_METADATA = re.compile(r" {6}(\w+) *: (.*)")
_DISPOSITION = re.compile(r" \(([a-z ]+)\)")
_SIZE = re.compile(r", (\d+)x(\d+)\b")
_SAMPLE_ASPECT = re.compile(r"SAR (\d+):(\d+)")
_RATE = re.compile(r", ([\d.]+)(k?) (?:fps|tbr)\b")
_ROTATION = re.compile(r"(?i:display ?matrix): rotation of (-?[\d.]+) degrees")
_HIGH_DYNAMIC_RANGE = ("smpte2084", "arib-std-b67")


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The picture: width and height as shown, in square pixels; frames per second."""

    index: int
    width: int
    height: int
    frame_rate: Fraction
    is_high_dynamic_range: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    """An audio or subtitle track: its language as in the container, and its dispositions."""

    index: int
    codec: str
    language: str = "und"
    title: str = ""
    dispositions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Source:
    """A film's file; `left_out` describes the subtitles that are pictures, which cannot be text."""

    path: Path
    duration_seconds: float
    video: VideoTrack
    audio: tuple[Track, ...]
    subtitles: tuple[Track, ...]
    left_out: tuple[str, ...] = ()


def probe(path: Path) -> Source:
    """Look into a file. Raises `PublishError` for what is no film."""
    try:
        with path.open("rb") as stream:
            stream.read(1)
    except OSError as error:
        raise PublishError(f"{path}: {error.strerror}") from None
    command = [ffmpeg.program(), "-nostdin", "-hide_banner", *ffmpeg.local_input(path)]
    # It always fails, for want of an output; the report tells whether it could read the input.
    run = subprocess.run(command, capture_output=True, check=False)
    report = run.stderr.decode(errors="replace")
    if "\nInput #0" not in f"\n{report}":
        told = report.replace(f"file:{path.absolute()}", "the file").strip()
        why = next((line for line in told.splitlines() if "Error opening input" in line), told)
        raise PublishError(f"{path}: ffmpeg cannot read it: {ffmpeg.reason(why)}")
    return read_report(report, path)


def read_report(report: str, path: Path) -> Source:
    """Read ffmpeg's report of its input. Raises `PublishError` when there is no video in it."""
    videos: list[VideoTrack] = []
    tracks: dict[str, list[Track]] = {"Audio": [], "Subtitle": []}
    for block in re.split(r"\n(?=  Stream #0:)", report.partition("Input #0")[2])[1:]:
        line, _, details = block.partition("\n")
        match = _STREAM.match(line)
        if match is None:
            continue
        if match["kind"] == "Video" and "(attached pic)" not in line:
            videos.append(_video(match, details))
        elif match["kind"] in tracks:
            tracks[match["kind"]].append(_track(match, details))
    if not videos:
        raise PublishError(f"{path}: there is no video in it")
    video = videos[0]
    if min(video.width, video.height) < _SMALLEST_SIDE:
        raise PublishError(f"{path}: {video.width}x{video.height} is too small for a film")
    subtitles = tracks["Subtitle"]
    return Source(
        path=path,
        duration_seconds=_duration(path, report, video, has_subtitles=bool(subtitles)),
        video=video,
        audio=tuple(tracks["Audio"]),
        subtitles=tuple(track for track in subtitles if track.codec in TEXT_CODECS),
        left_out=tuple(
            f"subtitle track {track.index} ({track.language}): {track.codec} is no text"
            for track in subtitles
            if track.codec not in TEXT_CODECS
        ),
    )


def _video(stream: re.Match[str], details: str) -> VideoTrack:
    text = stream["text"]
    size = _SIZE.search(text)
    if size is None:
        raise PublishError("the size of the video is unknown")
    width, height = int(size[1]), int(size[2])
    for numerator, denominator in _SAMPLE_ASPECT.findall(text)[-1:]:
        if int(numerator) and int(denominator):
            width = round(width * int(numerator) / int(denominator))
    rotation = _ROTATION.search(details)
    if rotation and round(float(rotation[1]) / 90) % 2:
        width, height = height, width
    return VideoTrack(
        index=int(stream["index"]),
        width=width,
        height=height,
        frame_rate=_frame_rate(text),
        is_high_dynamic_range=any(transfer in text for transfer in _HIGH_DYNAMIC_RANGE),
    )


def _frame_rate(text: str) -> Fraction:
    """Return the exact rate that a report rounds (23.98 is 24000/1001), at most 60 a second."""
    match = _RATE.search(text)
    shown = float(match[1]) * (1000 if match[2] else 1) if match else 0.0
    if shown <= 0:
        return Fraction(25)
    if shown > _FASTEST_RATE:
        return Fraction(_FASTEST_RATE)
    for broadcast in (Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)):
        if abs(shown - broadcast) < 0.006:
            return broadcast
    return Fraction(shown).limit_denominator(100)


def _track(stream: re.Match[str], details: str) -> Track:
    matches = map(_METADATA.match, details.split("\n"))
    metadata = {match[1]: match[2] for match in matches if match}
    return Track(
        index=int(stream["index"]),
        codec=re.split(r"[ ,]", stream["text"], maxsplit=1)[0],
        language=stream["language"] or "und",
        title=(metadata.get("title") or metadata.get("name") or "").strip(),
        dispositions=frozenset(_DISPOSITION.findall(stream["text"])),
    )


def _duration(path: Path, report: str, video: VideoTrack, *, has_subtitles: bool) -> float:
    """Return how long there is picture or sound, in seconds.

    What a file says of itself includes subtitles, which may end long after the film, and some
    files say nothing; then the file is read once.
    """
    match = _DURATION.search(report)
    if match and not has_subtitles:
        seconds = int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])
    else:
        seconds = _measure(path, "-map", "0:V", "-map", "0:a?", "-c", "copy")
        # A bare video stream has no times; its frames have them once they are decoded.
        seconds = seconds or _measure(path, "-map", f"0:{video.index}")
    if seconds < _SHORTEST_SECONDS:
        raise PublishError(f"{path}: it is a picture, not a film")
    return seconds


def _measure(path: Path, *options: str) -> float:
    arguments = ["-loglevel", "error", *ffmpeg.local_input(path), *options, "-f", "null", "-"]
    seconds, _ = ffmpeg.run(arguments, cwd=path.absolute().parent)
    return seconds
