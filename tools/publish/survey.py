"""Reads a file once, without decoding it: the end of each track, and its gaps."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import av
import av.container

from tools.publish.container import in_seconds, packets
from tools.publish.decoding_times import Clock, Jump
from tools.publish.sampling_rates import RateChange, RateWatch
from tools.publish.source import Span

_MICROSECONDS = 1_000_000
_SHORTEST_GAP_SECONDS = 0.1
_BLANK_BYTES = 64
_PROTECTED_TAGS = ("drmi", "drms", "p608", "encv", "enca")
# A packet of a transport stream may have several frames; ffmpeg marks the first one as damaged.
_FRAMES_OF_A_PACKET = 16
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
    `positions` are the offsets of the first and the last packet in the file, in bytes.
    """

    starts: list[float] = field(default_factory=list)
    end: float = 0.0
    gaps: list[Span] = field(default_factory=list)
    bare_start: float = math.inf
    bare_end: float = 0.0
    blank_seconds: float = 0.0
    positions: tuple[int, int] | None = None

    @property
    def length(self) -> float:
        """The duration from the first packet to the end of the last one, by uncorrected times."""
        return max(0.0, self.bare_end - self.bare_start)


@dataclass(frozen=True, slots=True)
class Survey:
    """The timelines of the tracks by index, and whether reading failed before the file's end.

    `jumps` are in the order of the packets, and `is_corrected` is whether the timelines are without
    them. `rate_changes` are those of the sampling rate. `is_cut` is whether the last packet of a
    track is shorter than it declares. `encrypted` are the tracks with encrypted packets.
    """

    timelines: dict[int, Timeline]
    is_broken: bool
    jumps: tuple[Jump, ...] = ()
    is_corrected: bool = False
    is_cut: bool = False
    encrypted: frozenset[int] = frozenset()
    rate_changes: tuple[RateChange, ...] = ()

    @property
    def blank_seconds(self) -> float:
        """The maximum duration of zeros in a track.

        An interrupted download leaves zeros if it allocated the whole file.
        """
        return max((each.blank_seconds for each in self.timelines.values()), default=0.0)

    def end_of(self, indices: Iterable[int]) -> float:
        """Return the end of the longest of these tracks in seconds."""
        return max((self.timelines[index].end for index in indices), default=0.0)


def survey(container: av.container.InputContainer, indices: Iterable[int]) -> Survey:
    """Read the packets of these tracks; a read error sets `is_broken` and is not raised."""
    streams = [container.streams[index] for index in indices]
    timelines = {stream.index: Timeline() for stream in streams}
    begins_at = (container.start_time or 0) / _MICROSECONDS
    flags = av.format.Flags(container.format.flags)
    may_jump = bool(flags & av.format.Flags.ts_discont)
    clock = Clock(begins_at, may_jump=may_jump)
    rates = RateWatch()
    cut_at: dict[int, int] = {}
    encrypted = {stream.index for stream in streams if _is_protected(stream)}
    is_broken = False
    try:
        for packet in packets(container, streams):
            # The empty packets at the end have a stream, but no stream index in PyAV.
            timeline = timelines[packet.stream.index]
            if packet.has_sidedata("encryption_info"):
                encrypted.add(packet.stream.index)
            if packet.is_corrupt:
                cut_at[packet.stream.index] = len(timeline.starts)
            _note(packet, timeline, clock)
            rates.note(packet, timeline.end)
    except av.error.FFmpegError:
        is_broken = True
    is_cut = any(
        len(timelines[index].starts) - at <= _FRAMES_OF_A_PACKET for index, at in cut_at.items()
    )
    return Survey(
        timelines,
        is_broken,
        tuple(clock.jumps),
        is_corrected=may_jump,
        is_cut=is_cut,
        encrypted=frozenset(encrypted),
        rate_changes=tuple(rates.changes),
    )


def _note(packet: "av.Packet[Any]", timeline: Timeline, clock: Clock) -> None:
    shown_at = packet.pts if packet.pts is not None else packet.dts
    time_base = packet.time_base
    if not packet.size or time_base is None:
        return
    duration = in_seconds(packet.duration or 0, time_base)
    if _is_blank(packet):
        timeline.blank_seconds += duration
        return
    if packet.pos is not None:
        first, _ = timeline.positions or (packet.pos, packet.pos)
        timeline.positions = first, packet.pos
    if shown_at is None:
        # Raw streams have no time stamps: each frame follows the one before it.
        timeline.starts.append(timeline.end)
        timeline.end += duration
        timeline.bare_start, timeline.bare_end = 0.0, timeline.end
        return
    decoded_at = packet.dts if packet.dts is not None else shown_at
    correction = clock.correction(packet, in_seconds(decoded_at, time_base), duration)
    bare = in_seconds(shown_at, time_base) - clock.begins_at
    at = bare + correction
    if at > timeline.end + _SHORTEST_GAP_SECONDS:
        timeline.gaps.append((timeline.end, at))
    timeline.starts.append(at)
    timeline.end = max(timeline.end, at + duration)
    timeline.bare_start = min(timeline.bare_start, bare)
    timeline.bare_end = max(timeline.bare_end, bare + duration)


def _is_protected(stream: Any) -> bool:
    """Return whether a track declares encryption: of iTunes by its codec, of Matroska by a key."""
    try:
        tag = stream.codec_context.codec_tag if stream.codec_context else ""
    except UnicodeDecodeError:
        # PyAV returns tags as ASCII; AVI and NUT have others, such as 0x00FF for AAC.
        tag = ""
    return tag in _PROTECTED_TAGS or "enc_key_id" in stream.metadata


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
