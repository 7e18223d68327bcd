"""The parts of NUT (https://ffmpeg.org/nut.html): a file mark at the start, an index at the end."""

import mmap
from typing import BinaryIO

from tools.publish.structure.found import Outline

_FILE_MARK = b"nut/multimedia container\0"
_INDEX_MARK = bytes.fromhex("4e58dd672f23e64e")
# The size of the index packet and a checksum.
_END = 12


def read(file: BinaryIO, size: int) -> Outline:
    """Return the outline. Each recording begins with a file mark."""
    with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as content:
        starts = []
        at = content.find(_FILE_MARK, 1)
        while at >= 0:
            starts.append(at)
            at = content.find(_FILE_MARK, at + 1)
        index_at = size - int.from_bytes(content[-_END:-4], "big")
        has_end = 0 < index_at < size and content[index_at : index_at + 8] == _INDEX_MARK
    return Outline(tuple(starts), has_end=has_end)
