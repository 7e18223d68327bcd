"""Selects the video track that is the film."""

from typing import Any

from av.stream import Disposition

from tools.publish.errors import PublishError
from tools.publish.keyframes import Picture, largest_picture
from tools.publish.source import FilmFile
from tools.publish.survey import Survey

_SMALLEST_SIDE = 16
_IMAGE_CODECS = frozenset({"mjpeg", "png", "gif", "bmp", "tiff", "webp", "jpeg2000", "rawvideo"})
# If another track has this many frames for each picture of a track, the latter is not the film.
_FRAMES_PER_PICTURE = 20


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
        picture = largest_picture(file, stream.index)
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
