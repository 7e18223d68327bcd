"""The chunks of an AVI file (Microsoft's RIFF; OpenDML), which declare their sizes."""

from typing import BinaryIO

from tools.publish.structure.found import Outline

_HEADER = 12
_FIRST, _CONTINUED = b"AVI ", b"AVIX"
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)


def read(file: BinaryIO, size: int) -> Outline:
    """Return the outline. A recording larger than 1 GB has more than one chunk."""
    starts: list[int] = []
    at = end = 0
    while at < size:
        file.seek(at)
        header = file.read(_HEADER)
        told, kind = int.from_bytes(header[4:8], "little"), header[8:]
        is_chunk = header.startswith(b"RIFF") and kind in (_FIRST, _CONTINUED)
        if not is_chunk or told in _UNKNOWN_SIZES:
            return Outline(tuple(starts))
        if at and kind == _FIRST:
            starts.append(at)
        end = at + 8 + told
        # Chunks begin at even offsets.
        at = end + told % 2
    return Outline(tuple(starts), missing_bytes=max(0, end - size))
