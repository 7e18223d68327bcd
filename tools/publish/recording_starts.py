"""Finds where recordings begin in a transport or program stream, by their time stamps and rates."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import av
import av.container

from tools.publish.container import opened_part
from tools.publish.decoding_times import Jump
from tools.publish.recordings import TRANSPORT_STREAM, is_shown
from tools.publish.structure import program_stream, transport_stream
from tools.publish.survey import Survey, Timeline, survey

# The distance in bytes between the first packets of the tracks of a recording.
_FARTHEST_TRACK = 8_000_000


def starts_between(path: Path, starts: Sequence[int]) -> tuple[int, ...]:
    """Return `starts`, which are those by other properties, and those within the parts between."""
    found = set(starts)
    for start, end in pairwise((0, *starts, path.stat().st_size)):
        try:
            with opened_part(path, start, end) as container:
                shown = [stream.index for stream in container.streams if is_shown(stream)]
                between = starts_within(path, container, survey(container, shown), start)
        except (av.error.FFmpegError, ValueError):
            continue
        found.update(between)
    return tuple(sorted(found))


def starts_within(
    path: Path, container: av.container.InputContainer, surveyed: Survey, begins_at: int = 0
) -> tuple[int, ...]:
    """Return where recordings begin by their time stamps, or with another sampling rate.

    `begins_at` is the offset of the container in the file.
    """
    shown = [stream for stream in container.streams if is_shown(stream)]
    starts = _jumps_of_all(surveyed, [stream.index for stream in shown])
    for change in surveyed.rate_changes:
        is_found = any(change.after < at <= change.position for at in starts)
        if not is_found:
            starts.append(change.start)
    identifiers = {stream.id for stream in shown}
    found = set()
    with path.open("rb") as file:
        for at in starts:
            if container.format.name == TRANSPORT_STREAM:
                start = transport_stream.start_of_tables(
                    file, begins_at + at, lambda identifier: identifier not in identifiers
                )
            else:
                start = program_stream.start_of_pack(file, begins_at + at)
            found.add(start)
    return tuple(sorted(found - {begins_at}))


def _jumps_of_all(surveyed: Survey, tracks: Sequence[int]) -> list[int]:
    """Return where the time stamps of all tracks start again or continue much later."""
    starts = []
    for group in _groups(surveyed.jumps):
        at = min(jump.position for jump in group.values())
        others = (index for index in tracks if index not in group)
        if any(_is_around(surveyed.timelines[index], at) for index in others):
            return []
        starts.append(at)
    return starts


def _is_around(timeline: Timeline, at: int) -> bool:
    """Return whether a track has packets both before and after a place in the file."""
    first, last = timeline.positions or (at, at)
    return first < at < last


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
