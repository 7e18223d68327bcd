"""Reads the properties of a film's file: its tracks, and whether it is complete."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av.container
from av.stream import Disposition

from tools.publish.container import opened
from tools.publish.declared_size import missing_bytes
from tools.publish.errors import PublishError
from tools.publish.frame_rate import frame_rate
from tools.publish.pictures import choose_video
from tools.publish.source import Gaps, Source, Span, VideoTrack
from tools.publish.survey import Survey, still_spans, survey
from tools.publish.tracks import audio_tracks, subtitle_tracks

_STILL_SECONDS = 0.5
_SHORTEST_SECONDS = 0.1
_MICROSECONDS = 1_000_000
# Rounding, and differences between muxers.
_TOLERATED_LOSS_SECONDS = 1.0
_KINDS = ("video", "audio", "subtitle")


def probe(path: Path) -> Source:
    """Return the properties of a file. Raises `PublishError` if it is not a film."""
    with opened(path) as container:
        return _read(path, container)


def _read(path: Path, container: av.container.InputContainer) -> Source:
    streams = [stream for stream in container.streams if stream.type in _KINDS]
    surveyed = survey(container, [stream.index for stream in streams])
    left_out: list[str] = []
    video, picture = choose_video(path, streams, surveyed, left_out)
    audio = audio_tracks(path, streams, left_out)
    subtitles = subtitle_tracks(streams, left_out)
    seconds = surveyed.end_of([video.index, *(track.index for track in audio)])
    if seconds < _SHORTEST_SECONDS:
        raise PublishError(f"{path}: it is a picture, not a film")
    shown = surveyed.timelines[video.index]
    sounds = [surveyed.timelines[track.index] for track in audio]
    # Matroska declares the duration of the whole file only.
    is_told = "matroska" not in container.format.name
    timed = [stream for stream in streams if is_told and _has_times(stream)]
    told = {stream.index: _told_seconds(stream) for stream in timed}
    gaps = Gaps(
        video=tuple(still_spans(shown.starts, seconds, longest=_STILL_SECONDS)),
        audio=tuple((*each.gaps, (each.end, seconds)) for each in sounds),
    )
    return Source(
        path=path,
        duration_seconds=seconds,
        video=VideoTrack(
            index=video.index,
            width=picture.width,
            height=picture.height,
            frame_rate=frame_rate(shown.starts, _told_rate(video)),
            colours=picture.colours,
        ),
        audio=tuple(audio),
        subtitles=tuple(subtitles),
        gaps=gaps,
        left_out=tuple(left_out),
        damage=_damage(
            told,
            (container.duration or 0) / _MICROSECONDS,
            surveyed,
            bytes_missing=missing_bytes(path),
        ),
        warnings=tuple(
            f"the file is empty from {start:.1f} s to {end:.1f} s; the film is still and silent "
            "there"
            for start, end in _empty_spans(gaps)
        ),
    )


def _has_times(stream: Any) -> bool:
    # Subtitles end with the last cue, and covers have no duration.
    is_cover = stream.disposition & Disposition.attached_pic
    return stream.type in ("video", "audio") and not is_cover


def _told_rate(video: Any) -> Fraction | None:
    rate = video.average_rate or video.guessed_rate
    # PyAV 19 has its own type of fraction, PyAV 18 uses Python's.
    return Fraction(rate.numerator, rate.denominator) if rate else None


def _told_seconds(stream: Any) -> float:
    if stream.duration is None or stream.time_base is None:
        return 0.0
    return float(stream.duration * stream.time_base)


def _damage(
    told: dict[int, float], told_of_all: float, surveyed: Survey, *, bytes_missing: int
) -> str:
    """Return the declared content that the file lacks, empty if nothing is missing."""
    there = max((each.length for each in surveyed.timelines.values()), default=0.0)
    lost = told_of_all - max((each.bare_end for each in surveyed.timelines.values()), default=0.0)
    of_tracks = (told[index] - surveyed.timelines[index].length for index in told)
    lost = max(lost, surveyed.blank_seconds, *of_tracks, 0.0)
    if lost > _TOLERATED_LOSS_SECONDS:
        promised = max([told_of_all, *told.values()])
        return f"{lost:.1f} s are missing of the {promised:.1f} s it declares"
    if bytes_missing:
        return (
            f"it ends after {there:.1f} s, and {bytes_missing} bytes of its last part are missing"
        )
    return f"it cannot be read after {there:.1f} s" if surveyed.is_broken else ""


def _empty_spans(gaps: Gaps) -> Iterator[Span]:
    """Yield the spans with neither a new picture nor any sound, where content may be lost."""
    if not gaps.audio:
        return
    for start, end in gaps.video:
        within = [
            max((min(end, stop) - max(start, begin) for begin, stop in track), default=0.0)
            for track in gaps.audio
        ]
        if min(within) > _TOLERATED_LOSS_SECONDS:
            yield start, end
