"""Reads the properties of a film's file: its tracks, and whether it is complete."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av.container

from tools.publish.container import opened
from tools.publish.damage import TOLERATED_LOSS_SECONDS, lost_part, repeated_part, unread_part
from tools.publish.errors import PublishError
from tools.publish.frame_rate import frame_rate
from tools.publish.joins import Joined, joined
from tools.publish.pictures import choose_video
from tools.publish.source import FilmFile, Gaps, Source, Span, VideoTrack
from tools.publish.structure.found import Outline
from tools.publish.structure.outline import outline
from tools.publish.survey import Survey, still_spans, survey
from tools.publish.tracks import audio_tracks, subtitle_tracks

_STILL_SECONDS = 0.5
_SHORTEST_SECONDS = 0.1
_ENCRYPTED = "{}: it is encrypted, so that only its licensed players can read it"
_KINDS = ("video", "audio", "subtitle")


def probe(path: Path) -> Source:
    """Return the properties of a file. Raises `PublishError` if it is not a film."""
    with opened(FilmFile(path)) as container:
        surveyed = _survey(container)
        found = outline(path, container.format.name)
        if found.is_encrypted:
            raise PublishError(_ENCRYPTED.format(path))
        recordings = joined(path, container, surveyed, found)
        if not recordings.file.parts:
            recordings = Joined(
                recordings.file,
                recordings.damage or lost_part(container, surveyed) or repeated_part(surveyed),
            )
            return _source(container, surveyed, recordings, found)
    with opened(recordings.file) as container:
        return _source(container, _survey(container), recordings, found)


def _survey(container: av.container.InputContainer) -> Survey:
    return survey(container, [each.index for each in container.streams if each.type in _KINDS])


def _source(
    container: av.container.InputContainer, surveyed: Survey, recordings: Joined, found: Outline
) -> Source:
    file = recordings.file
    streams, left_out = _readable(container, surveyed, file)
    left_out += recordings.left_out or _late_tracks(container, recordings, found)
    video, picture = choose_video(file, streams, surveyed, left_out)
    audio = audio_tracks(file, streams, left_out)
    subtitles = subtitle_tracks(streams, left_out)
    seconds = surveyed.end_of([video.index, *(track.index for track in audio)])
    damage = recordings.damage or unread_part(surveyed, found.missing_bytes)
    if seconds < _SHORTEST_SECONDS:
        told = f", and incomplete or damaged: {damage}" if damage else ""
        raise PublishError(
            f"{file.path}: it is too short for a film, shorter than {_SHORTEST_SECONDS} s{told}"
        )
    shown = surveyed.timelines[video.index]
    sounds = [surveyed.timelines[track.index] for track in audio]
    gaps = Gaps(
        video=tuple(still_spans(shown.starts, seconds, longest=_STILL_SECONDS)),
        audio=tuple((*each.gaps, (each.end, seconds)) for each in sounds),
    )
    return Source(
        file=file,
        duration_seconds=seconds,
        video=VideoTrack(
            index=video.index,
            width=picture.width,
            height=picture.height,
            frame_rate=frame_rate(shown.starts, _told_rate(video)),
            colours=picture.colours,
            shapes=picture.shapes if len(picture.shapes) > 1 else (),
        ),
        audio=tuple(audio),
        subtitles=tuple(subtitles),
        gaps=gaps,
        left_out=tuple(left_out),
        damage=damage,
        warnings=tuple(_warnings(surveyed, recordings, found, gaps)),
    )


def _readable(
    container: av.container.InputContainer, surveyed: Survey, file: FilmFile
) -> tuple[list[Any], list[str]]:
    """Return the tracks that are not encrypted, and the reasons for leaving the others out."""
    shown = [stream for stream in container.streams if stream.type in _KINDS]
    encrypted = [stream for stream in shown if stream.index in surveyed.encrypted]
    readable = [stream for stream in shown if stream.index not in surveyed.encrypted]
    if encrypted and not any(stream.type == "video" for stream in readable):
        raise PublishError(_ENCRYPTED.format(file.path))
    return readable, [f"{each.type} track {each.index}: it is encrypted" for each in encrypted]


def _late_tracks(
    container: av.container.InputContainer, recordings: Joined, found: Outline
) -> list[str]:
    """Return the tracks of a transport stream that begin later than ffmpeg searches for tracks."""
    if recordings.file.parts:
        return []
    there = {stream.id for stream in container.streams}
    late = sorted(found.track_identifiers - there)
    return [f"the track with packet identifier {each}: it begins late in the file" for each in late]


def _told_rate(video: Any) -> Fraction | None:
    rate = video.average_rate or video.guessed_rate
    # PyAV 19 has its own type of fraction, PyAV 18 uses Python's.
    return Fraction(rate.numerator, rate.denominator) if rate else None


def _warnings(surveyed: Survey, recordings: Joined, found: Outline, gaps: Gaps) -> Iterator[str]:
    if recordings.file.parts:
        yield (
            f"the file consists of {len(recordings.file.parts)} recordings, which are played one "
            "after the other"
        )
    if not found.has_end:
        yield "the file may be incomplete: it lacks the mark at the end of a finished file"
    elif surveyed.is_cut:
        yield "the file may be incomplete: its last packet is shorter than it declares"
    if surveyed.rate_changes and not recordings.file.parts:
        yield (
            f"the sampling rate of its sound changes after {surveyed.rate_changes[0].at:.1f} s; "
            "there may be gaps in the sound after that"
        )
    for start, end in _empty_spans(gaps):
        yield (
            f"the file is empty from {start:.1f} s to {end:.1f} s; the film is still and silent "
            "there"
        )


def _empty_spans(gaps: Gaps) -> Iterator[Span]:
    """Yield the spans with neither a new picture nor any sound, where content may be lost."""
    if not gaps.audio:
        return
    for start, end in gaps.video:
        within = [
            max((min(end, stop) - max(start, begin) for begin, stop in track), default=0.0)
            for track in gaps.audio
        ]
        if min(within) > TOLERATED_LOSS_SECONDS:
            yield start, end
