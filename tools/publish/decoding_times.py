"""The decoding times of a file's packets, and the jumps in them.

Discontinuous time stamps, in recordings that were cut or joined, are corrected as in ffmpeg
(`ts_discontinuity_process` in its ffmpeg_demux.c), which encodes the film afterwards.
"""

from dataclasses import dataclass
from typing import Any

import av

_LONGEST_JUMP_SECONDS = 10.0
_TOLERATED_STEP_BACK_SECONDS = 0.1
# Subtitles pause for longer than the longest jump.
_CONTINUOUS = ("video", "audio")


@dataclass(frozen=True, slots=True)
class Jump:
    """A packet whose decoding time does not follow the one before it in its track.

    `position` is its offset in the file in bytes, `seconds` is the difference from the expected
    time, `at` the time in the film before it.
    """

    track: int
    position: int
    seconds: float
    at: float


class Clock:
    """Tracks the decoding times of a file, whose tracks share one correction."""

    def __init__(self, begins_at: float, *, may_jump: bool) -> None:
        self.begins_at = begins_at
        self.jumps: list[Jump] = []
        self._may_jump = may_jump
        self._correction = 0.0
        self._position = 0
        self._last: dict[int, float] = {}
        self._next: dict[int, float] = {}
        self._bare_last: dict[int, float] = {}
        self._bare_next: dict[int, float] = {}

    def correction(self, packet: "av.Packet[Any]", decoded_at: float, duration: float) -> float:
        """Return the correction to add to the time stamps of a packet, in seconds."""
        index = packet.stream_index
        if packet.stream.type not in _CONTINUOUS:
            return self._correction
        self._position = packet.pos if packet.pos is not None else self._position
        bare = decoded_at - self.begins_at
        at = bare + self._correction
        if index in self._next:
            jump = bare - self._bare_next[index]
            if _is_jump(jump, bare - self._bare_last[index]):
                self.jumps.append(Jump(index, self._position, jump, self._next[index]))
            jump = at - self._next[index]
            if self._may_jump and _is_jump(jump, at - self._last[index]):
                self._correction -= jump
                at = bare + self._correction
        self._last[index], self._next[index] = at, at + duration
        self._bare_last[index], self._bare_next[index] = bare, bare + duration
        return self._correction


def _is_jump(from_expected: float, from_last: float) -> bool:
    return abs(from_expected) > _LONGEST_JUMP_SECONDS or from_last < -_TOLERATED_STEP_BACK_SECONDS
