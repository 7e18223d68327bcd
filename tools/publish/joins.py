"""Finds the recordings of which a file consists, so that they are played one after the other.

Demuxers read only the first of several joined recordings, or return time stamps that start again.
Correcting these afterwards, as ffmpeg does, fails if the tracks do not start again together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from tools.publish.container import opened_part
from tools.publish.damage import TOLERATED_LOSS_SECONDS, lost_part
from tools.publish.decoding_times import Jump
from tools.publish.source import FilmFile, Part
from tools.publish.structure import program_stream, transport_stream
from tools.publish.structure.found import Outline
from tools.publish.survey import Survey, survey

_MOST_PARTS = 100
# The distance in bytes between the first packets of the tracks of a recording.
_FARTHEST_TRACK = 8_000_000
_TRANSPORT, _PROGRAM = "mpegts", "mpeg"
# The parameters of these codecs may change within a track: they are repeated in it, or ffmpeg
# repeats them there.
_PARAMETERS_IN_PACKETS = frozenset({"h264", "mpeg1video", "mpeg2video", "mpeg4", "mp3float", "mp2"})


@dataclass(frozen=True, slots=True)
class Joined:
    """The film's file with its recordings, and what is lost of them."""

    file: FilmFile
    damage: str = ""


def joined(
    path: Path, container: av.container.InputContainer, surveyed: Survey, outline: Outline
) -> Joined:
    """Return the recordings of a file. Without parts, the file is one recording.

    `surveyed` and `outline` are those of the file as ffmpeg reads it.
    """
    starts = outline.starts
    if container.format.name in (_TRANSPORT, _PROGRAM):
        starts = _starts_by_times(path, container, surveyed)
    if not starts:
        return Joined(FilmFile(path))
    parts, losses = _parts(path, starts)
    if parts:
        return Joined(FilmFile(path, tuple(parts)), "; ".join(losses))
    if container.format.name in (_TRANSPORT, _PROGRAM):
        # ffmpeg corrects the time stamps.
        return Joined(FilmFile(path))
    return Joined(
        FilmFile(path),
        f"it goes on after its end: another recording begins at byte {starts[0]}, whose tracks "
        "differ, so that it cannot be played after the first one",
    )


def _parts(path: Path, starts: Sequence[int]) -> tuple[list[Part], list[str]]:
    """Return the recordings and what each lacks; none if they do not have the same tracks."""
    bounds = [*pairwise((0, *starts)), (starts[-1], path.stat().st_size)]
    if len(bounds) > _MOST_PARTS or "\n" in str(path.absolute()):
        return [], []
    parts: list[Part] = []
    losses: list[str] = []
    expected: list[Any] = []
    for number, (start, end) in enumerate(bounds, 1):
        try:
            with opened_part(path, start, end) as container:
                tracks = [_kind(stream) for stream in container.streams if _is_shown(stream)]
                expected = expected or tracks
                surveyed = survey(container, [track[0] for track in tracks])
                loss = lost_part(container, surveyed)
        except (av.error.FFmpegError, ValueError):
            return [], []
        seconds = surveyed.end_of(track[0] for track in tracks)
        # Matroska has no decoding times, and shows pictures in another order.
        jumps = any(abs(jump.seconds) > TOLERATED_LOSS_SECONDS for jump in surveyed.jumps)
        if tracks != expected or not seconds or jumps:
            return [], []
        if loss:
            losses.append(f"recording {number} of {len(bounds)}: {loss}")
        parts.append(Part(start, end, seconds))
    return parts, losses


def _is_shown(stream: Any) -> bool:
    return stream.type in ("video", "audio")


def _kind(stream: Any) -> tuple[Any, ...]:
    """Return the properties that a track must have in each recording."""
    codec = stream.codec_context
    name = codec.name if codec else ""
    parameters = None if codec is None or name in _PARAMETERS_IN_PACKETS else codec.extradata
    if stream.container.format.name in (_TRANSPORT, _PROGRAM):
        parameters = None
    return stream.index, stream.type, stream.id, name, stream.time_base, parameters


def _starts_by_times(
    path: Path, container: av.container.InputContainer, surveyed: Survey
) -> tuple[int, ...]:
    """Return where the time stamps of all tracks start again or continue much later."""
    shown = [stream for stream in container.streams if _is_shown(stream)]
    there = {each.index for each in shown if len(surveyed.timelines[each.index].starts) > 1}
    groups = _groups(surveyed.jumps)
    if any(set(group) != there for group in groups):
        return ()
    starts = []
    with path.open("rb") as file:
        for group in groups:
            at = min(jump.position for jump in group.values())
            if container.format.name == _TRANSPORT:
                starts.append(
                    transport_stream.start_of_tables(file, at, [each.id for each in shown])
                )
            else:
                starts.append(program_stream.start_of_pack(file, at))
    return tuple(starts)


def _groups(jumps: Sequence[Jump]) -> list[dict[int, Jump]]:
    """Return the jumps by track, for each place where tracks jump together."""
    groups: list[dict[int, Jump]] = []
    begins_at = 0
    for jump in sorted(jumps, key=lambda jump: jump.position):
        is_near = jump.position - begins_at < _FARTHEST_TRACK
        if groups and is_near and jump.track not in groups[-1]:
            groups[-1][jump.track] = jump
        else:
            groups.append({jump.track: jump})
            begins_at = jump.position
    return groups
