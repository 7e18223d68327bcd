"""The tags of Flash Video (Adobe Flash Video File Format Specification 10.1, annex E)."""

from typing import BinaryIO

from tools.publish.structure.found import Outline

_SIGNATURE = b"FLV"
_TAG_HEADER = 11
_TAG_KINDS = (8, 9, 18)
_SIZE_OF_PREVIOUS = 4


def read(file: BinaryIO, size: int) -> Outline:
    """Return the outline. Each recording begins with a file header."""
    starts = []
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(_TAG_HEADER)
        if head.startswith(_SIGNATURE):
            if at:
                starts.append(at)
            at += int.from_bytes(head[5:9], "big") + _SIZE_OF_PREVIOUS
            continue
        if head[0] & 0x1F not in _TAG_KINDS:
            break
        if len(head) < _TAG_HEADER:
            return Outline(tuple(starts), _TAG_HEADER - len(head))
        at += _TAG_HEADER + int.from_bytes(head[1:4], "big") + _SIZE_OF_PREVIOUS
    missing = at - size
    # Some recorders omit the last number, the size of the last tag.
    return Outline(tuple(starts), missing if missing > _SIZE_OF_PREVIOUS else 0)
