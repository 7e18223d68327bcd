"""Finds where the sampling rate of a recording's sound changes.

Several frames of sound share a time stamp in transport and program streams. ffmpeg computes the
times of the others with the rate at the beginning of the file, so that after a change it drops
sound or inserts silence. A new recording that begins there has the right times.
"""

from dataclasses import dataclass
from typing import Any

import av

_AAC_FRAME, _LATM_FRAME, _MPEG_FRAME, _AC3_FRAME = 0xFFF0, 0x56E0, 0xFFE0, 0x0B77
_ELEVEN_BITS = 0xFFE0
_MPEG_AUDIO = frozenset({"mp1", "mp2", "mp3"})
_AC3 = frozenset({"ac3", "eac3"})
_HEADER_BYTES = 7


@dataclass(frozen=True, slots=True)
class RateChange:
    """A change of the sampling rate of a track.

    `position` is the offset in bytes of the first packet with the new rate, `after` that of the
    last one with the former rate, and `keyframe` that of the last keyframe before `position`, -1
    if there is none. `at` is the time in seconds.
    """

    track: int
    after: int
    position: int
    keyframe: int
    at: float

    @property
    def start(self) -> int:
        """Where a recording with the new rate begins, with a keyframe if there is one."""
        return self.keyframe if self.after < self.keyframe <= self.position else self.position


class RateWatch:
    """Notes the changes while the packets of a file are read."""

    def __init__(self) -> None:
        self.changes: list[RateChange] = []
        self._codes: dict[int, int] = {}
        self._positions: dict[int, int] = {}
        self._keyframe = -1

    def note(self, packet: "av.Packet[Any]", at: float) -> None:
        """Note a packet, which is decoded at `at` in seconds."""
        if packet.stream.type == "video":
            if packet.is_keyframe and packet.pos is not None:
                self._keyframe = packet.pos
            return
        code = _code(packet)
        if code < 0:
            return
        track = packet.stream_index
        before = self._positions.get(track, -1)
        position = packet.pos if packet.pos is not None else before
        if self._codes.get(track, code) != code:
            self.changes.append(RateChange(track, before, position, self._keyframe, at))
        self._codes[track], self._positions[track] = code, position


def _code(packet: "av.Packet[Any]") -> int:
    """Return the code of the sampling rate in a frame of sound, -1 if it has none."""
    codec = packet.stream.codec_context
    head = bytes(memoryview(packet)[:_HEADER_BYTES])
    if packet.stream.type != "audio" or codec is None or len(head) < _HEADER_BYTES:
        return -1
    name, mark = codec.codec.canonical_name, int.from_bytes(head[:2], "big")
    if name == "aac" and mark & 0xFFF6 == _AAC_FRAME:
        return head[2] >> 2 & 0xF
    has_settings = not head[3] & 0xC0
    if name == "aac_latm" and mark & _ELEVEN_BITS == _LATM_FRAME and has_settings:
        return int.from_bytes(head[5:7], "big") >> 7 & 0xF
    if name in _MPEG_AUDIO and mark & _ELEVEN_BITS == _MPEG_FRAME:
        return (head[1] & 0x18) | head[2] >> 2 & 3
    if name in _AC3 and mark == _AC3_FRAME:
        return head[4] >> 6
    return -1
