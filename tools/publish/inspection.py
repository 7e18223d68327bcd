"""Verifies a package against its source: nothing is frozen, silent, lost or added.

The same ffmpeg detectors analyse both, with more sensitive settings for the source: wherever the
package is still or silent for long, the source must be too, or must have a gap there.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import av

from tools.publish import ffmpeg, levels
from tools.publish.errors import PublishError
from tools.publish.packaging.film import PackagedFilm
from tools.publish.source import Source, Span

_AAC_FRAME_SAMPLES = 1024
_LENGTH_TOLERANCE_SECONDS = 0.15
_EDGE_SECONDS = 0.5
_LONGEST_UNEXPLAINED_SECONDS = 1.0
_UNDECODABLE = "Error submitting packet to decoder"
_EVENT = re.compile(
    r"\[(?P<track>(?:freeze|silence)detect@\w+) @ [^\]]*\][^:]*?"
    r"(?:freeze|silence)_(?P<edge>start|end): (?P<at>-?[\d.]+)"
)


@dataclass(frozen=True, slots=True)
class Attention:
    """The thresholds for silence and for a still picture: a level and a duration in seconds."""

    silence_level: str
    silence_seconds: float
    stillness_level: str
    stillness_seconds: float


SOURCE = Attention("-50dB", 0.3, "-50dB", 0.5)
_RESULT = Attention("-65dB", 1.0, "-65dB", 0.3)
# A keyframe differs from the still picture before it, and the pictures after it may improve it.
_SMALL = "64:64"
_SETTLING_SECONDS = 0.5
_ROUNDING = 0.001
_LONG_STILL_SECONDS = 2.0


def stillness(attention: Attention) -> str:
    """Return the filters that log where the picture is still; nothing else may follow.

    Grain changes in each picture, but is lost in the encoding. A small picture has none of it.
    """
    level, seconds = attention.stillness_level, attention.stillness_seconds
    return f"scale={_SMALL}:flags=area,freezedetect@video=n={level}:d={seconds}"


def silence(attention: Attention, number: int) -> str:
    """Return the filter that logs where an audio track is silent."""
    level, seconds = attention.silence_level, attention.silence_seconds
    return f"silencedetect@audio{number}=n={level}:d={seconds}"


def undecodable_packets(told_of_source: str) -> int:
    """Return the number of source packets that ffmpeg could not decode, from its log."""
    return told_of_source.count(_UNDECODABLE)


def inspect(source: Source, told_of_source: str, film: PackagedFilm, playlist: Path) -> None:
    """Compare a package, whose folder contains `playlist`, with its source.

    `told_of_source` is ffmpeg's log on the source. Raises `PublishError` if they differ.
    """
    length = source.duration_seconds
    if abs(film.seconds - length) > _LENGTH_TOLERANCE_SECONDS + 1 / source.video.frame_rate:
        raise PublishError(f"the encoded film has {film.seconds:.2f} s instead of {length:.2f} s")
    for audio in film.audio:
        heard = _sound_seconds(playlist.parent / audio.path / playlist.name)
        if abs(heard - length) > _LENGTH_TOLERANCE_SECONDS:
            raise PublishError(f"an audio track has {heard:.2f} s instead of {length:.2f} s")
    expected = _spans(told_of_source, length)
    told_of_result = _watch(film, playlist)
    found = _spans(told_of_result, length)
    _compare(
        "is still",
        _still(found["freezedetect@video"], film),
        [*expected["freezedetect@video"], *source.gaps.video],
    )
    for number, gaps in enumerate(source.gaps.audio):
        name = f"silencedetect@audio{number}"
        _compare("is silent", found[name], [*expected[name], *gaps])
    levels.compare(levels.measured(told_of_source), levels.measured(told_of_result))


def _watch(film: PackagedFilm, playlist: Path) -> str:
    """Play the smallest rendition and all audio tracks; return the log of the detectors."""
    sound = range(len(film.audio))
    arguments = ["-loglevel", "level+info", "-protocol_whitelist", "file,crypto,data"]
    for path in (film.video[-1].path, *(track.path for track in film.audio)):
        arguments += ["-i", str(playlist.parent / path / playlist.name)]
    arguments += ["-map", "0:v:0", *(part for n in sound for part in ("-map", f"{n + 1}:a:0"))]
    arguments += [
        "-filter:v",
        f"split[a][b];[a]{stillness(_RESULT)},nullsink;[b]{levels.colours()}",
    ]
    for number in sound:
        measured = f"{silence(_RESULT, number)},{levels.loudness(number)}"
        arguments += [f"-filter:a:{number}", measured]
    return ffmpeg.run([*arguments, "-f", "null", "-"], cwd=playlist.parent).log


def _sound_seconds(playlist: Path) -> float:
    """Return the duration of an audio track by its samples, independent of its time stamps."""
    with av.open(str(playlist)) as container:
        stream = container.streams.audio[0]
        frames = sum(1 for packet in container.demux(stream) if packet.size)
        return frames * _AAC_FRAME_SAMPLES / stream.codec_context.sample_rate


def _spans(log: str, until: float) -> dict[str, list[Span]]:
    """Return the spans that each detector logged; a span without an end lasts until `until`."""
    spans: dict[str, list[Span]] = defaultdict(list)
    begun: dict[str, float] = {}
    for event in _EVENT.finditer(log):
        track, at = event["track"], float(event["at"])
        if event["edge"] == "start":
            begun[track] = at
        else:
            spans[track].append((begun.pop(track, 0.0), at))
    for track, at in begun.items():
        spans[track].append((at, until))
    return spans


def _still(spans: Iterable[Span], film: PackagedFilm) -> list[Span]:
    """Return the spans that are long, each of which may contain keyframes."""
    segments = film.video[-1].segments
    keyframes = [at / segments.timescale for at in accumulate(segments.durations)]
    whole: list[Span] = []
    for start, end in sorted(spans):
        last_start, last_end = whole[-1] if whole else (0.0, -math.inf)
        is_settling = start - last_end <= _SETTLING_SECONDS
        if is_settling and any(last_end - _ROUNDING <= at <= start for at in keyframes):
            whole[-1] = (last_start, end)
        else:
            whole.append((start, end))
    return [(start, end) for start, end in whole if end - start >= _LONG_STILL_SECONDS]


def _compare(what: str, found: Iterable[Span], expected: Sequence[Span]) -> None:
    for start, end in found:
        alone = _uncovered((start, end), expected)
        if alone > _LONGEST_UNEXPLAINED_SECONDS:
            raise PublishError(
                f"the encoded film {what} from {start:.1f} s to {end:.1f} s, unlike its source"
            )


def _uncovered(span: Span, cover: Sequence[Span]) -> float:
    """Return the seconds of `span` that none of the other spans, widened at the edges, covers."""
    at, end = span
    alone = 0.0
    for start, stop in sorted(
        (start - _EDGE_SECONDS, stop + _EDGE_SECONDS) for start, stop in cover
    ):
        if stop <= at:
            continue
        if start >= end:
            break
        alone += max(0.0, start - at)
        at = max(at, stop)
    return alone + max(0.0, end - at)
