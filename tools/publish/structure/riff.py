"""The chunk of an AVI file (Microsoft's RIFF), which declares its size."""

from typing import BinaryIO

from tools.publish.structure.found import Outline

_UNKNOWN_SIZES = (0, 0xFFFFFFFF)


def read(file: BinaryIO, size: int) -> Outline:
    """Return the outline. ffmpeg reads joined recordings to the end."""
    start = file.read(12)
    told = int.from_bytes(start[4:8], "little")
    if start[:4] != b"RIFF" or told in _UNKNOWN_SIZES:
        return Outline()
    return Outline(missing_bytes=max(0, told + 8 - size))
