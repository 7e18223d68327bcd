"""The elements of Matroska and WebM (RFC 8794, RFC 9559).

A live stream has segments and clusters of unknown size, which end where an element of a higher
level begins. The elements in them have sizes, so that a truncated one is noticed.
"""

from typing import BinaryIO

from tools.publish.structure.found import Outline

_HEADER = 0x1A45DFA3
_CONTAINERS = (0x18538067, 0x1F43B675)  # Segment, Cluster
_LONGEST_ID = 4
_LONGEST_SIZE = 8


def read(file: BinaryIO, size: int) -> Outline:
    """Return the outline. Each recording begins with an EBML header."""
    starts: list[int] = []
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(_LONGEST_ID + _LONGEST_SIZE)
        id_length = _length(head[0])
        if id_length > _LONGEST_ID:
            break
        if len(head) <= id_length:
            return Outline(tuple(starts), id_length + 1 - len(head))
        kind = int.from_bytes(head[:id_length], "big")
        size_length = _length(head[id_length])
        if size_length > _LONGEST_SIZE:
            break
        if len(head) < id_length + size_length:
            return Outline(tuple(starts), id_length + size_length - len(head))
        if kind == _HEADER and at:
            starts.append(at)
        values = (1 << 7 * size_length) - 1
        told = int.from_bytes(head[id_length : id_length + size_length], "big") & values
        is_open = told == values
        if is_open and kind not in _CONTAINERS:
            break
        at += id_length + size_length + (0 if is_open else told)
    return Outline(tuple(starts), max(0, at - size))


def _length(first: int) -> int:
    """Return the number of bytes of a variable-size integer, from its first byte."""
    return 9 - first.bit_length()
