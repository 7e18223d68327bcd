"""Finds packets in an MPEG transport stream (ISO/IEC 13818-1 2.4.3) by their identifiers.

Nearly all packets are of tracks, so they are searched without a step in Python for each of them.
"""

from collections.abc import Iterator
from heapq import heappush, heapreplace
from typing import BinaryIO

_SYNC = 0x47
_PACKETS_IN_A_ROW = 5
_PACKETS_AT_ONCE = 8_192
_IDENTIFIER_BITS = bytes(number & 0x1F for number in range(256))


def aligned(
    file: BinaryIO, first_at: int, size: int, packet_size: int
) -> Iterator[tuple[int, bytes]]:
    """Yield the offset and the bytes of whole packets in a row, without what is between them."""
    at = first_at
    while at < size:
        file.seek(at)
        chunk = file.read(_PACKETS_AT_ONCE * packet_size)
        marks = chunk[::packet_size]
        in_sync = len(marks) - len(marks.lstrip(bytes((_SYNC,))))
        yield at, chunk[: in_sync * packet_size]
        if in_sync == len(marks):
            at += len(chunk)
            continue
        # The last packet before the loss of synchronization may be truncated.
        lost_at = max(0, (in_sync - 1) * packet_size) + 1
        skipped = _next_row(chunk, lost_at, packet_size)
        if skipped < 0:
            # A row may begin at the end of these bytes.
            skipped = max(lost_at, len(chunk) - packet_size * _PACKETS_IN_A_ROW)
        at += skipped


def _next_row(chunk: bytes, start: int, packet_size: int) -> int:
    """Return the position of the first of several packets in a row, -1 if there are none."""
    length = packet_size * _PACKETS_IN_A_ROW
    at = chunk.find(_SYNC, start)
    while at >= 0:
        row = chunk[at : at + length : packet_size]
        if len(row) < _PACKETS_IN_A_ROW:
            return -1
        if row.count(_SYNC) == _PACKETS_IN_A_ROW:
            return at
        at = chunk.find(_SYNC, at + 1)
    return -1


def packets_of(identifiers: set[int], chunk: bytes, packet_size: int) -> Iterator[tuple[int, int]]:
    """Yield the identifier and the position of each packet that has one of the identifiers.

    Identifiers may be added meanwhile.
    """
    high = chunk[1::packet_size].translate(_IDENTIFIER_BITS)
    low = chunk[2::packet_size]
    count = len(low)
    pairs = bytearray(2 * count)
    pairs[::2], pairs[1::2] = high[:count], low
    number = -1
    following: list[tuple[int, int]] = []
    known: set[int] = set()
    while True:
        if len(identifiers) > len(known):
            for identifier in identifiers - known:
                heappush(following, (_next_pair(pairs, identifier, number + 1), identifier))
            known |= identifiers
        number, identifier = following[0]
        if number >= count:
            return
        yield identifier, number * packet_size
        heapreplace(following, (_next_pair(pairs, identifier, number + 1), identifier))


def _next_pair(pairs: bytearray, value: int, number: int) -> int:
    """Return the number of the next pair of bytes with a value, else the number of all pairs."""
    pattern = value.to_bytes(2, "big")
    at = pairs.find(pattern, 2 * number)
    while at % 2 and at >= 0:
        at = pairs.find(pattern, at + 1)
    return at // 2 if at >= 0 else len(pairs) // 2
