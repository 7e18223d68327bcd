"""Reads a file once, without decoding it: the end of each track, and its gaps.

Discontinuous time stamps, in recordings that were cut or joined, are corrected as in ffmpeg
(`ts_discontinuity_process` in its ffmpeg_demux.c), which encodes the film afterwards.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import av
import av.container

from tools.publish.source import Span

_MICROSECONDS = 1_000_000
_LONGEST_JUMP_SECONDS = 10.0
_TOLERATED_STEP_BACK_SECONDS = 0.1
_SHORTEST_GAP_SECONDS = 0.1
_BLANK_BYTES = 64
# Each packet of these codecs begins with a start code, a length or a mark. Other codecs, such as
# uncompressed and lossless ones, may write zeros for black and for silence.
_NEVER_ZEROS = frozenset(
    (
        *("h264", "hevc", "vvc", "av1", "vp8", "vp9", "mpeg1video", "mpeg2video", "mpeg4"),
        *("prores", "dnxhd", "mjpeg", "aac", "ac3", "eac3", "dts", "mp2", "mp3"),
    )
)


@dataclass(slots=True)
class Timeline:
    """The presentation times of a track's packets, in seconds from the film's start, unsorted.

    `end` is the end of the last packet, `gaps` are the spans without packets before it.
    `bare_start` and `bare_end` are the first and the last time before corrections.
    `blank_seconds` is the duration of the packets that are ignored because they contain only zeros.
    """

    starts: list[float] = field(default_factory=list)
    end: float = 0.0
    gaps: list[Span] = field(default_factory=list)
    bare_start: float = math.inf
    bare_end: float = 0.0
    blank_seconds: float = 0.0

    @property
    def length(self) -> float:
        """The duration from the first packet to the end of the last one, by uncorrected times."""
        return max(0.0, self.bare_end - self.bare_start)


@dataclass(frozen=True, slots=True)
class Survey:
    """The timelines of the tracks by index, and whether reading failed before the file's end."""

    timelines: dict[int, Timeline]
    is_broken: bool

    @property
    def blank_seconds(self) -> float:
        """The maximum duration of zeros in a track.

        An interrupted download leaves zeros if it allocated the whole file.
        """
        return max((each.blank_seconds for each in self.timelines.values()), default=0.0)

    def end_of(self, indices: Iterable[int]) -> float:
        """Return the end of the longest of these tracks in seconds."""
        return max((self.timelines[index].end for index in indices), default=0.0)


class _Clock:
    """Tracks the decoding times of a file, whose tracks share one correction."""

    def __init__(self, begins_at: float, *, may_jump: bool) -> None:
        self.begins_at = begins_at
        self._may_jump = may_jump
        self._correction = 0.0
        self._last: dict[int, float] = {}
        self._next: dict[int, float] = {}

    def correction(self, index: int, decoded_at: float, duration: float) -> float:
        """Return the correction to add to the time stamps of a packet, in seconds."""
        bare = decoded_at - self.begins_at
        at = bare + self._correction
        if self._may_jump and index in self._next:
            jump = at - self._next[index]
            steps_back = at + _TOLERATED_STEP_BACK_SECONDS < self._last[index]
            if abs(jump) > _LONGEST_JUMP_SECONDS or steps_back:
                self._correction -= jump
                at = bare + self._correction
        self._last[index], self._next[index] = at, at + duration
        return self._correction


def survey(container: av.container.InputContainer, indices: Iterable[int]) -> Survey:
    """Read the packets of these tracks; a read error sets `is_broken` and is not raised."""
    streams = [container.streams[index] for index in indices]
    timelines = {stream.index: Timeline() for stream in streams}
    begins_at = (container.start_time or 0) / _MICROSECONDS
    flags = av.format.Flags(container.format.flags)
    clock = _Clock(begins_at, may_jump=bool(flags & av.format.Flags.ts_discont))
    try:
        for packet in container.demux(streams):
            # The empty packets at the end have a stream, but no stream index in PyAV.
            _note(packet, timelines[packet.stream.index], clock)
    except av.error.FFmpegError:
        return Survey(timelines, is_broken=True)
    return Survey(timelines, is_broken=False)


def _note(packet: "av.Packet[Any]", timeline: Timeline, clock: _Clock) -> None:
    shown_at = packet.pts if packet.pts is not None else packet.dts
    if not packet.size or packet.time_base is None:
        return
    duration = float((packet.duration or 0) * packet.time_base)
    if _is_blank(packet):
        timeline.blank_seconds += duration
        return
    if shown_at is None:
        # Raw streams have no time stamps: each frame follows the one before it.
        timeline.starts.append(timeline.end)
        timeline.end += duration
        timeline.bare_start, timeline.bare_end = 0.0, timeline.end
        return
    decoded_at = packet.dts if packet.dts is not None else shown_at
    correction = clock.correction(
        packet.stream_index, float(decoded_at * packet.time_base), duration
    )
    bare = float(shown_at * packet.time_base) - clock.begins_at
    at = bare + correction
    if at > timeline.end + _SHORTEST_GAP_SECONDS:
        timeline.gaps.append((timeline.end, at))
    timeline.starts.append(at)
    timeline.end = max(timeline.end, at + duration)
    timeline.bare_start = min(timeline.bare_start, bare)
    timeline.bare_end = max(timeline.bare_end, bare + duration)


def _is_blank(packet: "av.Packet[Any]") -> bool:
    """Return whether a packet consists of zeros although its codec never writes them."""
    codec = packet.stream.codec_context
    if codec is None or codec.codec.canonical_name not in _NEVER_ZEROS:
        return False
    return not any(memoryview(packet)[:_BLANK_BYTES])


def still_spans(starts: list[float], until: float, *, longest: float) -> list[Span]:
    """Return the spans in which one picture is shown for more than `longest` seconds."""
    # The first picture is shown from the beginning.
    ordered = [0.0, *sorted(starts)[1:], until]
    return [(start, end) for start, end in pairwise(ordered) if end - start > longest]
