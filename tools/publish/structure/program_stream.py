"""The last packets of an MPEG program stream (ISO/IEC 13818-1 2.5), as on DVDs."""

from typing import BinaryIO

from tools.publish.structure.found import Outline

_PACK = b"\0\0\1\xba"
_CODE = b"\0\0\1"
_END_CODE = 0xB9
_MPEG_1_PACK, _MPEG_2_PACK = 12, 14
_LONGEST_PACKET = 65_541


def read(file: BinaryIO, size: int) -> Outline:
    """Return the outline: a packet that is longer than the rest of the file is truncated."""
    file.seek(max(0, size - 2 * _LONGEST_PACKET))
    tail = file.read()
    at = tail.rfind(_PACK)
    while 0 <= at < len(tail):
        if len(tail) - at <= len(_CODE):
            is_begun = _CODE.startswith(tail[at:])
            return Outline(missing_bytes=len(_CODE) + 1 - len(tail) + at if is_begun else 0)
        code = tail[at + 3]
        if tail[at : at + 3] != _CODE or code < _END_CODE:
            return Outline()
        if code == _END_CODE:
            at += 4
        elif code == _PACK[3]:
            at += _length_of_pack(tail[at : at + _MPEG_2_PACK])
        else:
            at += 6 + int.from_bytes(tail[at + 4 : at + 6], "big")
    return Outline(missing_bytes=max(0, at - len(tail)))


def _length_of_pack(head: bytes) -> int:
    """Return the length of a pack header, whose first bits tell the version of MPEG."""
    if len(head) > 4 and head[4] >> 6 == 0b01:
        stuffing = head[13] & 7 if len(head) == _MPEG_2_PACK else 0
        return _MPEG_2_PACK + stuffing
    return _MPEG_1_PACK


def start_of_pack(file: BinaryIO, at: int) -> int:
    """Return the offset of the pack to which the packet at `at` belongs."""
    begins_at = max(0, at - 2 * _MPEG_2_PACK - 7)
    file.seek(begins_at)
    found = file.read(at - begins_at).rfind(_PACK)
    return at if found < 0 else begins_at + found
