"""Selects the video track that is the film, and determines the size of its pictures."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import av
from av.stream import Disposition

from tools.publish.container import decoded, drained, opened, packets
from tools.publish.errors import PublishError
from tools.publish.source import Colours, FilmFile
from tools.publish.survey import Survey

_KEYFRAME_PAUSE_SECONDS = 1.0
_SMALLEST_SIDE = 16
_IMAGE_CODECS = frozenset({"mjpeg", "png", "gif", "bmp", "tiff", "webp", "jpeg2000", "rawvideo"})
# If another track has this many frames for each picture of a track, the latter is not the film.
_FRAMES_PER_PICTURE = 20
# The numbers of ITU-T H.273 and the names of ffmpeg.
_UNSPECIFIED = 2
_TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
_PRIMARIES = {1: "bt709", 5: "bt470bg", 6: "smpte170m", 9: "bt2020", 12: "smpte432"}
_MATRICES = {0: "gbr", 1: "bt709", 5: "bt470bg", 6: "smpte170m", 9: "bt2020nc", 10: "bt2020c"}


@dataclass(frozen=True, slots=True)
class Picture:
    """The largest picture of a video track, as displayed.

    `has_changing_pixels` is whether the aspect ratio of the pixels changes within the track.
    """

    width: int
    height: int
    colours: Colours
    has_changing_pixels: bool = False

    @property
    def area(self) -> int:
        """The number of square pixels."""
        return self.width * self.height


def choose_video(
    file: FilmFile, streams: list[Any], surveyed: Survey, left_out: list[str]
) -> tuple[Any, Picture]:
    """Return the video track of the film, which is not a cover or thumbnail, and its picture.

    Appends the other video tracks to `left_out`. Raises `PublishError` if there is no such track or
    its picture is too small.
    """
    videos = [stream for stream in streams if stream.type == "video"]
    films = [stream for stream in videos if not stream.disposition & Disposition.attached_pic]
    # Music with a cover is a film with a still picture.
    films = films or videos

    longest = max((surveyed.timelines[stream.index].length for stream in films), default=0.0)
    most = max((len(surveyed.timelines[stream.index].starts) for stream in films), default=0)

    def worth(stream: Any) -> tuple[bool, bool, int]:
        shown = surveyed.timelines[stream.index]
        is_moving = len(shown.starts) > 1 and shown.length * 2 >= longest
        if stream.codec_context.name in _IMAGE_CODECS:
            # Chapters may have a picture each, in a track of their own.
            is_moving = is_moving and len(shown.starts) * _FRAMES_PER_PICTURE > most
        is_default = bool(stream.disposition & Disposition.default)
        return is_moving, is_default, stream.codec_context.width * stream.codec_context.height

    known = [stream for stream in films if stream.codec_context is not None]
    for stream in sorted(known, key=worth, reverse=True):
        picture = _picture(file, stream.index)
        if picture is None:
            left_out.append(f"video track {stream.index}: it cannot be decoded")
            continue
        if min(picture.width, picture.height) < _SMALLEST_SIDE:
            raise PublishError(
                f"{file.path}: {picture.width}x{picture.height} is too small for a film"
            )
        rest = (each.index for each in videos if each is not stream)
        told = " ".join(left_out)
        left_out += [
            f"video track {index}: a film has one picture"
            for index in rest
            if f"video track {index}:" not in told
        ]
        return stream, picture
    if films:
        raise PublishError(
            f"{file.path}: no picture in it can be decoded; it is damaged or incomplete, or of an "
            "unknown kind"
        )
    raise PublishError(f"{file.path}: there is no video in it")


def _picture(file: FilmFile, index: int) -> Picture | None:
    """Return the largest picture among a track's keyframes; None if none can be decoded."""
    largest: Picture | None = None
    with opened(file) as container:
        stream: Any = container.streams[index]
        # ffmpeg shows all pictures with this one.
        aspect = stream.sample_aspect_ratio
        aspects = set()
        looked_at = -1.0
        try:
            for packet in packets(container, [stream]):
                at = float(packet.pts * packet.time_base) if packet.pts is not None else None
                is_next = at is None or at >= looked_at + _KEYFRAME_PAUSE_SECONDS or at < looked_at
                if largest is not None and not (packet.is_keyframe and is_next):
                    continue
                frames = decoded(packet)
                if largest is not None and packet.size:
                    # The decoder returns a keyframe only after others if it reorders pictures.
                    frames += drained(stream)
                for frame in frames:
                    looked_at = looked_at if at is None else at
                    aspects.add(stream.codec_context.sample_aspect_ratio)
                    picture = _as_shown(frame, aspect)
                    if largest is None or picture.area > largest.area:
                        largest = picture
                if largest is not None and packet.size:
                    stream.codec_context.flush_buffers()
        except av.error.FFmpegError:
            pass  # the readable part is used; the survey determines how much is missing
    if largest is None:
        return None
    return replace(largest, has_changing_pixels=aspect in aspects and len(aspects) > 1)


def _as_shown(frame: Any, aspect: Fraction | None) -> Picture:
    width, height = frame.width, frame.height
    if aspect:
        width = round(width * aspect)
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
