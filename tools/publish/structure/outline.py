"""The outline of a file: where its recordings begin, and whether its last part is whole."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from tools.publish.structure import (
    asf,
    boxes,
    ebml,
    flash_video,
    gif,
    nut,
    ogg,
    program_stream,
    riff,
    transport_stream,
)
from tools.publish.structure.found import Outline

Reader = Callable[[BinaryIO, int], Outline]

# By the names of ffmpeg's demuxers.
_READERS: Mapping[str, Reader] = {
    "mov,mp4,m4a,3gp,3g2,mj2": boxes.read,
    "avi": riff.read,
    "matroska,webm": ebml.read,
    "flv": flash_video.read,
    "gif": gif.read,
    "asf": asf.read,
    "ogg": ogg.read,
    "nut": nut.read,
    "mpegts": transport_stream.read,
    "mpeg": program_stream.read,
}


def outline(path: Path, format_name: str) -> Outline:
    """Return the outline of a file; an empty one for formats without sizes and end marks."""
    reader = _READERS.get(format_name)
    if reader is None:
        return Outline()
    with path.open("rb") as file:
        return reader(file, path.stat().st_size)
