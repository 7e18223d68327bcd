"""Finds the recordings of which a file consists, so that they are played one after the other.

Demuxers read only the first of several joined recordings, or return time stamps that start again.
Correcting these afterwards, as ffmpeg does, fails if the tracks do not start again together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import av.container

from tools.publish.container import opened_part
from tools.publish.damage import TOLERATED_LOSS_SECONDS
from tools.publish.recording_starts import starts_between, starts_within
from tools.publish.recordings import (
    PROGRAM_STREAM,
    TRANSPORT_STREAM,
    Recording,
    Track,
    read_recording,
)
from tools.publish.source import FilmFile, Part
from tools.publish.structure.found import Outline
from tools.publish.survey import Survey

_MOST_PARTS = 100
# The pause between two recordings whose time stamps continue.
_LONGEST_PAUSE_SECONDS = 1.0
_TOLERATED_OVERLAP_SECONDS = 0.1
# Pictures are stored in another order than they are shown in.
_REORDERED_SECONDS = 0.5


class _CannotBeJoinedError(Exception):
    """The recordings cannot be played one after the other; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The film's file with its recordings, and what is lost of them.

    `left_out` are the tracks that only later recordings have.
    """

    file: FilmFile
    damage: str = ""
    left_out: tuple[str, ...] = ()


def joined(
    path: Path, container: av.container.InputContainer, surveyed: Survey, outline: Outline
) -> Joined:
    """Return the recordings of a file. Without parts, the file is one recording.

    `surveyed` and `outline` are those of the file as ffmpeg reads it.
    """
    starts = outline.starts
    if container.format.name in (TRANSPORT_STREAM, PROGRAM_STREAM):
        starts = starts_within(path, container, surveyed)
        if outline.starts:
            starts = starts_between(path, outline.starts)
    if not starts:
        return Joined(FilmFile(path))
    try:
        return _film(path, _recordings(path, starts), container.format.name)
    except _CannotBeJoinedError as reason:
        if not outline.starts:
            # ffmpeg corrects the time stamps of transport and program streams.
            return Joined(FilmFile(path))
        return Joined(
            FilmFile(path),
            f"recordings are joined in it, the second one at byte {starts[0]}, that cannot be "
            f"played one after the other: {reason}",
        )


def _recordings(path: Path, starts: Sequence[int]) -> list[Recording]:
    """Return the recordings that begin at the start of a file and at each of `starts`."""
    if len(starts) >= _MOST_PARTS:
        raise _CannotBeJoinedError(f"there are more than {_MOST_PARTS}")
    if "\n" in str(path.absolute()):
        raise _CannotBeJoinedError("the name of the file has more than one line")
    recordings = []
    for number, (start, end) in enumerate(pairwise((0, *starts, path.stat().st_size)), 1):
        try:
            with opened_part(path, start, end) as container:
                recordings.append(read_recording(start, end, container))
        except (av.error.FFmpegError, ValueError):
            raise _CannotBeJoinedError(f"recording {number} cannot be read") from None
    return recordings


def _film(path: Path, recordings: Sequence[Recording], format_name: str) -> Joined:
    """Return the recordings as one film. Raises `_CannotBeJoinedError` if their tracks differ."""
    for number, recording in enumerate(recordings, 1):
        # Matroska has no decoding times, and shows pictures in another order.
        jumps = (abs(jump.seconds) > TOLERATED_LOSS_SECONDS for jump in recording.surveyed.jumps)
        if any(jumps):
            raise _CannotBeJoinedError(f"the time stamps of recording {number} jump")
        if not recording.seconds:
            raise _CannotBeJoinedError(f"recording {number} has neither pictures nor sound")
    first, *others = recordings
    identifiers: tuple[int, ...] = ()
    if format_name in (TRANSPORT_STREAM, PROGRAM_STREAM) and _have_same_identifiers(recordings):
        identifiers = first.identifiers
    else:
        for number, other in enumerate(others, 2):
            _require_same_order(first, other, number)
    parts = [
        Part(each.start, each.end, _seconds(each, following, is_by_identifier=bool(identifiers)))
        for each, following in zip(recordings, (*others, None), strict=True)
    ]
    losses = (
        f"recording {number} of {len(recordings)}: {each.loss}"
        for number, each in enumerate(recordings, 1)
        if each.loss
    )
    left_out = (
        f"{track.name} of recording {number}: the first recording has no such track"
        for number, other in enumerate(others, 2)
        for track in _added(first, other, identifiers)
    )
    file = FilmFile(path, tuple(parts), identifiers)
    return Joined(file, "; ".join(losses), tuple(left_out))


def _have_same_identifiers(recordings: Sequence[Recording]) -> bool:
    """Return whether tracks correspond if they have the same identifiers.

    A recording may have only some of the first one's tracks, or others in addition.
    """
    if any(len(set(each.identifiers)) < len(each.identifiers) for each in recordings):
        # ffmpeg makes two tracks of TrueHD, which contains AC-3.
        return False
    first, *others = ({track.identifier: track.kind for track in r.tracks} for r in recordings)
    for other in others:
        few, many = sorted((first, other), key=len)
        has_pictures = any(kind[0] == "video" for kind in few.values())
        if not (few.items() <= many.items() and has_pictures):
            return False
    return True


def _require_same_order(first: Recording, other: Recording, number: int) -> None:
    """Raise `_CannotBeJoinedError` unless the tracks correspond in their order.

    One of the recordings may have more tracks after these.
    """
    is_one_language = min(_count_audio(first), _count_audio(other)) <= 1
    for track, other_track in zip(first.tracks, other.tracks, strict=False):
        is_same = (track.index, track.kind) == (other_track.index, other_track.kind)
        if not is_same or not (is_one_language or track.language == other_track.language):
            told = other_track.name
            if track.name == other_track.name:
                told += " in another form or language"
            raise _CannotBeJoinedError(
                f"track {other_track.index} of recording {number} is {told}, that of recording 1 "
                f"is {track.name}"
            )
    if not any(track.kind[0] == "video" for track in other.tracks[: len(first.tracks)]):
        raise _CannotBeJoinedError(f"recording {number} has no pictures")


def _count_audio(recording: Recording) -> int:
    return sum(track.kind[0] == "audio" for track in recording.tracks)


def _added(first: Recording, other: Recording, identifiers: Sequence[int]) -> Sequence[Track]:
    """Return the tracks of a recording to which none of the first one corresponds."""
    if identifiers:
        return [track for track in other.tracks if track.identifier not in identifiers]
    return other.tracks[len(first.tracks) :]


def _seconds(recording: Recording, following: Recording | None, *, is_by_identifier: bool) -> float:
    """Return the time from the start of a recording to that of the following one.

    The time stamps continue if only the packet identifiers of the tracks change.
    """
    if following is None:
        return recording.seconds
    pairs: Iterable[tuple[Track, Track]]
    if is_by_identifier:
        by_identifier = {track.identifier: track for track in following.tracks}
        pairs = (
            (track, by_identifier[track.identifier])
            for track in recording.tracks
            if track.identifier in by_identifier
        )
    else:
        pairs = zip(recording.tracks, following.tracks, strict=False)
    is_later = following.begins_at > recording.begins_at + recording.seconds / 2
    if is_later and all(
        _is_continued(recording.times_of(a)[1], following.times_of(b)[0], a) for a, b in pairs
    ):
        return following.begins_at - recording.begins_at
    return recording.seconds


def _is_continued(end: float, start: float, track: Track) -> bool:
    """Return whether a track that ends at one time stamp goes on at another one."""
    overlap = _REORDERED_SECONDS if track.kind[0] == "video" else _TOLERATED_OVERLAP_SECONDS
    return end - overlap <= start <= end + _LONGEST_PAUSE_SECONDS
