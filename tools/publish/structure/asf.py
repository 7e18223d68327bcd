"""The objects of Windows Media (Advanced Systems Format 1.2).

Its File Properties Object has the size of the file, unless it is a live stream. The data consist of
packets of equal size.
"""

from typing import BinaryIO

from tools.publish.structure.found import Outline

_OBJECT_HEADER = 24
_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_SIMPLE_INDEX = bytes.fromhex("90080033b1e5cf1189f400a0c90349cb")
_ENCRYPTIONS = (
    bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
    bytes.fromhex("14e68a292226174cb935dae07ee9289c"),
)
_FILE_SIZE = slice(40, 48)
_FLAGS = slice(88, 92)
_PACKET_SIZE = slice(96, 100)
_DATA_HEADER = 50
_LARGEST_HEADER = 1 << 20
_LIVE = 1


def read(file: BinaryIO, size: int) -> Outline:
    """Return the outline. Each recording begins with a Header Object."""
    starts = []
    at = begins_at = packet_size = 0
    told = size
    is_live = is_encrypted = False
    while at < size:
        file.seek(at)
        head = file.read(_OBJECT_HEADER)
        kind, length = head[:16], int.from_bytes(head[16:24], "little")
        if kind == _HEADER:
            if at:
                starts.append(at)
            begins_at = at
            header = _header(file, at, length)
            properties = header[max(0, header.find(_FILE_PROPERTIES)) :]
            is_encrypted = is_encrypted or any(each in header for each in _ENCRYPTIONS)
            is_live = bool(_number(properties, _FLAGS) & _LIVE)
            packet_size = _number(properties, _PACKET_SIZE)
            told = size if is_live else begins_at + _number(properties, _FILE_SIZE)
        elif kind == _DATA and is_live:
            at, missing = _end_of_live_data(file, at + _DATA_HEADER, size, packet_size)
            if missing:
                return Outline(tuple(starts), missing)
            continue
        if length < _OBJECT_HEADER:
            break
        at += length
    missing = max(0, told - size, at - size)
    return Outline(tuple(starts), missing, is_encrypted=is_encrypted)


def _header(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(at)
    return file.read(min(length, _LARGEST_HEADER))


def _number(properties: bytes, field: slice) -> int:
    return int.from_bytes(properties[field], "little")


def _end_of_live_data(file: BinaryIO, at: int, size: int, packet_size: int) -> tuple[int, int]:
    """Return the offset after the packets of a live stream, and the bytes that the last one lacks.

    A live stream declares no number of packets: they end at the next object, or with the file.
    """
    if not packet_size:
        return size, 0
    while at < size:
        file.seek(at)
        if file.read(16) in (_HEADER, _SIMPLE_INDEX):
            return at, 0
        at += packet_size
    return size, at - size
