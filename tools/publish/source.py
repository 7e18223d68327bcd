"""The properties of a film's file."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Part:
    """A recording within a file: its first byte, the byte after its last one, its seconds."""

    start: int
    end: int
    seconds: float


@dataclass(frozen=True, slots=True)
class FilmFile:
    """A file on this machine; `parts` are the recordings joined in it, empty if it is only one.

    `track_identifiers` are the tracks of the recordings, empty if these correspond by their order.
    """

    path: Path
    parts: tuple[Part, ...] = ()
    track_identifiers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PixelShape:
    """The aspect ratio of the pixels from a second of the film on."""

    at: float
    aspect: Fraction


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The video track: width and height as displayed, in square pixels; frames per second.

    `shapes` are those of the pixels, in the order of time, if they change.
    """

    index: int
    width: int
    height: int
    frame_rate: Fraction
    colours: "Colours"
    shapes: tuple[PixelShape, ...] = ()


@dataclass(frozen=True, slots=True)
class Colours:
    """The colour properties of a video, with the names of ffmpeg; empty if unspecified."""

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

    `mix` is the filter that mixes the channels to stereo, empty if ffmpeg does so by default.
    """

    index: int
    codec: str
    language: str = "und"
    title: str = ""
    dispositions: frozenset[str] = frozenset()
    mix: str = ""


Span = tuple[float, float]
"""Start and end in seconds."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """The spans without a new picture, and for each audio track those without sound."""

    video: tuple[Span, ...]
    audio: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A film's file.

    `left_out` are the tracks that are not published, with the reasons; `damage` is the declared
    content that the file lacks, if any; `warnings` are other possible losses.
    """

    file: FilmFile
    duration_seconds: float
    video: VideoTrack
    audio: tuple[Track, ...]
    subtitles: tuple[Track, ...]
    gaps: Gaps
    left_out: tuple[str, ...] = ()
    damage: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self.file.path
