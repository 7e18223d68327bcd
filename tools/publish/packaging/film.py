"""A packaged film and its renditions, the input of both manifests."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tools.publish.ladder import Rung


@dataclass(frozen=True, slots=True)
class Segments:
    """The CMAF segments of one track; durations are in units of `timescale`, sizes in bytes."""

    codecs: str
    timescale: int
    durations: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """The duration of all segments."""
        return sum(self.durations) / self.timescale

    @property
    def longest_seconds(self) -> float:
        """The duration of the longest segment."""
        return max(self.durations) / self.timescale

    @property
    def average_rate(self) -> int:
        """The average bit rate of the track in bits per second."""
        return math.ceil(sum(self.sizes) * 8 / self.seconds)

    @property
    def peak_rate(self) -> int:
        """The peak bit rate in bits per second, measured over about the length of a segment.

        A short last segment is combined with the segment before it, because its few frames alone
        could result in an unrealistic rate.
        """
        pairs = list(zip(self.durations, self.sizes, strict=True))
        if len(pairs) > 1 and pairs[-1][0] * 2 < pairs[-2][0]:
            rest, before = pairs.pop(), pairs.pop()
            pairs.append((before[0] + rest[0], before[1] + rest[1]))
        return max(math.ceil(size * 8 * self.timescale / length) for length, size in pairs)


@dataclass(frozen=True, slots=True)
class Label:
    """The name of an audio or subtitle track for viewers, and the properties that players use."""

    name: str
    language: str | None
    dispositions: frozenset[str] = frozenset()

    def has(self, *dispositions: str) -> bool:
        """Return whether the source marks the track with one of these dispositions."""
        return not self.dispositions.isdisjoint(dispositions)


@dataclass(frozen=True, slots=True)
class Video:
    """A rung with its segments in the folder `path`."""

    path: str
    rung: Rung
    frame_rate: Fraction
    segments: Segments


@dataclass(frozen=True, slots=True)
class Audio:
    """An audio track with its segments in the folder `path`."""

    path: str
    label: Label
    is_default: bool
    segments: Segments


@dataclass(frozen=True, slots=True)
class Text:
    """A subtitle track: one WebVTT file `path` of `size` bytes, with its playlist beside it."""

    path: str
    playlist: str
    label: Label
    size: int


@dataclass(frozen=True, slots=True)
class PackagedFilm:
    """A whole film; paths are relative to the film's prefix."""

    title: str
    video: Sequence[Video]
    audio: Sequence[Audio]
    text: Sequence[Text]

    @property
    def segments(self) -> list[Segments]:
        """The segments of each video and audio track."""
        return [track.segments for track in self.video] + [track.segments for track in self.audio]

    @property
    def seconds(self) -> float:
        """The duration of the longest track."""
        return max(segments.seconds for segments in self.segments)
