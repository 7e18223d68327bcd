"""The expected size of a file, from the sizes that its container declares.

A fragmented MP4 and an AVI without an index declare no duration, but a box or a RIFF chunk that is
longer than the rest of the file is truncated (ISO/IEC 14496-12 4.2; Microsoft's RIFF).
"""

from pathlib import Path
from typing import BinaryIO

_BOX_HEADER = 8
_LARGE_BOX_HEADER = 16
_BOXES = frozenset(
    (
        *(b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"free", b"skip"),
        *(b"wide", b"udta", b"meta", b"uuid", b"emsg", b"prft", b"pnot"),
    )
)
_UNKNOWN_RIFF_SIZES = (0, 0xFFFFFFFF)


def missing_bytes(path: Path) -> int:
    """Return the number of bytes that the container declares and the file lacks, 0 if unknown."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(12)
        if start[:4] == b"RIFF" and start[8:] == b"AVI ":
            told = int.from_bytes(start[4:8], "little")
            return 0 if told in _UNKNOWN_RIFF_SIZES else max(0, told + 8 - size)
        return max(0, _end_of_boxes(file, size) - size)


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    """Return the end of the last box that begins in the file, 0 if the file has no boxes."""
    at = 0
    while at < size:
        file.seek(at)
        header = file.read(_LARGE_BOX_HEADER)
        length = int.from_bytes(header[:4], "big")
        if header[4:8] not in _BOXES:
            break
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            # The box extends to the end of the file.
            length = size - at
        if length < _BOX_HEADER:
            break
        at += length
    return at
