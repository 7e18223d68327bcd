"""The size, the pixels' shape and the colours of a video track, by its keyframes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av

from tools.publish.container import decoded, drained, in_seconds, opened, packets
from tools.publish.source import Colours, FilmFile, PixelShape

_PAUSE_SECONDS = 1.0
_MICROSECONDS = 1_000_000
# The numbers of ITU-T H.273 and the names of ffmpeg.
_UNSPECIFIED = 2
_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
_PRIMARIES = {1: "bt709", 5: "bt470bg", 6: "smpte170m", 9: "bt2020", 12: "smpte432"}
_MATRICES = {0: "gbr", 1: "bt709", 5: "bt470bg", 6: "smpte170m", 9: "bt2020nc", 10: "bt2020c"}


@dataclass(frozen=True, slots=True)
class Picture:
    """The largest picture of a video track, as displayed.

    `shapes` are those of the pixels in the whole track.
    """

    width: int
    height: int
    colours: Colours
    shapes: tuple[PixelShape, ...] = ()

    @property
    def area(self) -> int:
        """The number of square pixels."""
        return self.width * self.height


def largest_picture(file: FilmFile, index: int) -> Picture | None:
    """Return the largest picture among a track's keyframes; None if none can be decoded."""
    with opened(file) as container:
        look = _Look(container.streams[index], (container.start_time or 0) / _MICROSECONDS)
        try:
            for packet in packets(container, [container.streams[index]]):
                look.at(packet)
        except av.error.FFmpegError:
            pass  # the readable part is used; the survey determines how much is missing
        return look.picture()


class _Look:
    """The pictures that are decoded of a track: the first ones, and keyframes at intervals."""

    def __init__(self, stream: Any, begins_at: float) -> None:
        self._stream = stream
        self._begins_at = begins_at
        # The container's aspect ratio overrides that of the pictures, which may change.
        self._told_aspect = _fraction(stream.sample_aspect_ratio)
        self._is_told = False
        self._largest: Picture | None = None
        self._shapes: list[PixelShape] = []
        self._looked_at = -1.0
        self._skipped: list[Any] = []

    def at(self, packet: "av.Packet[Any]") -> None:
        """Decode a packet if it is the next one to look at."""
        at = _seconds(packet)
        is_near = at is not None and self._looked_at <= at < self._looked_at + _PAUSE_SECONDS
        if self._largest is None:
            self._note(decoded(packet), at)
            if self._largest is not None:
                self._stream.codec_context.flush_buffers()
        elif packet.is_keyframe and packet.size and is_near:
            self._skipped.append(packet)
        elif packet.is_keyframe and packet.size:
            frames = self._alone(packet)
            if frames and self._shapes and self._aspect() != self._shapes[-1].aspect:
                for each in self._skipped:
                    self._note(self._alone(each), _seconds(each))
                frames = self._alone(packet)
            self._note(frames, at)

    def _alone(self, packet: "av.Packet[Any]") -> list[Any]:
        """Return the frames of a keyframe; a decoder that reorders returns it only at an end."""
        frames = decoded(packet) + drained(self._stream)
        self._stream.codec_context.flush_buffers()
        return frames

    def _aspect(self) -> Fraction:
        return _fraction(self._stream.codec_context.sample_aspect_ratio) or Fraction(1)

    def _note(self, frames: list[Any], at: float | None) -> None:
        if not frames:
            return
        self._looked_at = self._looked_at if at is None else at
        self._skipped = []
        aspect = self._aspect()
        if not self._shapes:
            self._is_told = self._told_aspect not in (None, aspect)
        if self._is_told and self._told_aspect:
            aspect = self._told_aspect
        if not self._shapes or self._shapes[-1].aspect != aspect:
            self._shapes.append(PixelShape((at or 0.0) - self._begins_at, aspect))
        for frame in frames:
            picture = _as_shown(frame, aspect)
            if self._largest is None or picture.area > self._largest.area:
                self._largest = picture

    def picture(self) -> Picture | None:
        """Return the largest picture, with the shapes of the pixels in the whole track."""
        return self._largest and replace(self._largest, shapes=tuple(self._shapes))


def _fraction(number: Any) -> Fraction | None:
    """Return a number of PyAV, None if it is unknown. PyAV 19 has its own type of fraction."""
    return Fraction(number.numerator, number.denominator) if number else None


def _seconds(packet: "av.Packet[Any]") -> float | None:
    time_base = packet.time_base
    if packet.pts is None or time_base is None:
        return None
    return in_seconds(packet.pts, time_base)


def _as_shown(frame: Any, aspect: Fraction) -> Picture:
    width, height = round(frame.width * aspect), frame.height
    if round(frame.rotation / 90) % 2:
        width, height = height, width
    return Picture(
        width,
        height,
        Colours(
            transfer=_named(_TRANSFERS, frame.color_trc),
            primaries=_named(_PRIMARIES, frame.color_primaries),
            matrix=_named(_MATRICES, frame.colorspace),
        ),
    )


def _named(names: Mapping[int, str], number: int) -> str:
    return "" if int(number) == _UNSPECIFIED else names.get(int(number), "another")
