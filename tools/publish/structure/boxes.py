"""The boxes of MP4 and QuickTime (ISO/IEC 14496-12 4.2).

A fragmented file declares no duration, but a box that is longer than the rest of the file is
truncated.
"""

from collections.abc import Iterator
from typing import BinaryIO

from tools.publish.structure.found import Outline

_HEADER = 8
_LARGE_HEADER = 16
_TYPES = frozenset(
    (
        *(b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"free", b"skip"),
        *(b"wide", b"udta", b"meta", b"uuid", b"emsg", b"prft", b"pnot"),
    )
)


def read(file: BinaryIO, size: int) -> Outline:
    """Return the outline. Each recording has a file type box and a movie box after it."""
    starts: list[int] = []
    begins_at: int | None = None
    movies = end = 0
    for at, kind, end_of_box in _boxes(file, size):
        end = end_of_box
        if kind == b"ftyp":
            begins_at = at
        elif kind == b"moov":
            if movies:
                # A second movie box without a file type box of its own begins the recording itself.
                starts.append(at if begins_at is None else begins_at)
            movies, begins_at = movies + 1, None
    return Outline(tuple(starts), max(0, end - size))


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes, int]]:
    """Yield the offset, the type and the end of each box at the top level."""
    at = 0
    while at < size:
        file.seek(at)
        header = file.read(_LARGE_HEADER)
        length = int.from_bytes(header[:4], "big")
        kind = header[4:8]
        if kind not in _TYPES:
            return
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            # The box extends to the end of the file.
            length = size - at
        if length < _HEADER:
            return
        yield at, kind, at + length
        at += length
