"""What publishing knows of a film's file."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The picture: width and height as shown, in square pixels; frames per second."""

    index: int
    width: int
    height: int
    frame_rate: Fraction
    colours: "Colours"


@dataclass(frozen=True, slots=True)
class Colours:
    """What a video says of its colours; names are ffmpeg's, empty for what it does not say."""

    transfer: str = ""
    primaries: str = ""
    matrix: str = ""

    @property
    def is_high_dynamic_range(self) -> bool:
        """Whether a standard screen needs a tone-mapped picture."""
        return self.transfer in ("smpte2084", "arib-std-b67")


@dataclass(frozen=True, slots=True)
class Track:
    """An audio or subtitle track: its language as in the container, and its dispositions.

    `mix` is, for sound in channels that ffmpeg makes no stereo of by itself, the filter that does.
    """

    index: int
    codec: str
    language: str = "und"
    title: str = ""
    dispositions: frozenset[str] = frozenset()
    mix: str = ""


Span = tuple[float, float]
"""From when until when, in seconds."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """Where a file has no new picture for a while, and where no sound, for each audio track."""

    video: tuple[Span, ...]
    audio: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A film's file.

    `left_out` describes the tracks that are not published, and why; `damage` what the file lacks of
    what it says that it has, if anything; `warnings` what else looks like a loss.
    """

    path: Path
    duration_seconds: float
    video: VideoTrack
    audio: tuple[Track, ...]
    subtitles: tuple[Track, ...]
    gaps: Gaps
    left_out: tuple[str, ...] = ()
    damage: str = ""
    warnings: tuple[str, ...] = ()
