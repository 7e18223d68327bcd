"""A recording within a file, and the properties of its tracks."""

from dataclasses import dataclass
from typing import Any

import av.container

from tools.publish.damage import lost_part
from tools.publish.survey import Survey, survey

TRANSPORT_STREAM, PROGRAM_STREAM = "mpegts", "mpeg"

_MICROSECONDS = 1_000_000
# The parameters of these codecs may change within a track: they are repeated in it, or ffmpeg
# repeats them there.
_PARAMETERS_IN_PACKETS = frozenset({"h264", "mpeg1video", "mpeg2video", "mpeg4", "mp3float", "mp2"})


@dataclass(frozen=True, slots=True)
class Track:
    """The properties of a track by which it is found in each recording.

    Tracks of the same `kind` can be decoded as one. `name` is for users.
    """

    index: int
    identifier: int
    kind: tuple[Any, ...]
    language: str
    name: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording, from the byte `start` to the byte `end` of a file.

    `begins_at` is its first time stamp in seconds, `identifiers` are those of all its streams.
    """

    start: int
    end: int
    begins_at: float
    tracks: tuple[Track, ...]
    identifiers: tuple[int, ...]
    surveyed: Survey
    loss: str

    @property
    def seconds(self) -> float:
        """The end of the longest track."""
        return self.surveyed.end_of(track.index for track in self.tracks)

    def times_of(self, track: Track) -> tuple[float, float]:
        """Return the time stamps in seconds of a track's start and end."""
        timeline = self.surveyed.timelines[track.index]
        return self.begins_at + timeline.bare_start, self.begins_at + timeline.bare_end


def read_recording(start: int, end: int, container: av.container.InputContainer) -> Recording:
    """Read the bytes of a file from `start` to `end`, which `container` has opened."""
    shown = [stream for stream in container.streams if is_shown(stream)]
    surveyed = survey(container, [stream.index for stream in shown])
    return Recording(
        start=start,
        end=end,
        begins_at=(container.start_time or 0) / _MICROSECONDS,
        tracks=tuple(_track(stream) for stream in shown),
        identifiers=tuple(stream.id for stream in container.streams),
        surveyed=surveyed,
        loss=lost_part(container, surveyed),
    )


def is_shown(stream: Any) -> bool:
    """Return whether a track has pictures or sound."""
    return stream.type in ("video", "audio")


def _track(stream: Any) -> Track:
    codec = stream.codec_context
    name = codec.name if codec else "an unknown codec"
    kind: tuple[Any, ...] = stream.type, name, stream.time_base
    if stream.container.format.name not in (TRANSPORT_STREAM, PROGRAM_STREAM):
        is_told = codec is None or name in _PARAMETERS_IN_PACKETS
        kind = *kind, stream.id, None if is_told else codec.extradata
    elif codec and codec.codec.canonical_name == "opus":
        # The program tables have its channels.
        kind = *kind, codec.extradata
    told = f"{name} {stream.type}"
    if codec and stream.type == "video":
        told += f" ({codec.width}x{codec.height})"
    elif codec:
        told += f" ({codec.sample_rate} Hz, {codec.layout.name})"
    return Track(stream.index, stream.id, kind, stream.language or "", told)
