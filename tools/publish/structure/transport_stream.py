"""The packets of an MPEG transport stream (ISO/IEC 13818-1 2.4.3)."""

from collections.abc import Callable
from typing import BinaryIO

from tools.publish.structure import program_tables
from tools.publish.structure.found import Outline

_SYNC = 0x47
# Plain packets, packets with a time before them (Blu-ray, cameras), and with a checksum after them.
_PACKET_SIZES = (188, 192, 204)
_AFTER_SYNC = {188: 188, 192: 188, 204: 204}
_TIME_BYTES = 4
_PACKETS_IN_A_ROW = 8
_TAIL = 16 * 1024
_MOST_TABLES = 64


def read(file: BinaryIO, size: int) -> Outline:
    """Return the outline: the last packet may be truncated.

    Recordings begin where tables name other tracks. Those with the same packet identifiers can be
    told apart by their time stamps only.
    """
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    for packet_size in _PACKET_SIZES:
        last = _last_sync(tail, packet_size)
        if last >= 0:
            missing = _AFTER_SYNC[packet_size] - (len(tail) - last)
            if -_TIME_BYTES <= missing < 0:
                # The beginning of another packet.
                missing += packet_size
            first_at = (size - len(tail) + last) % packet_size
            found = program_tables.replacements(file, first_at, size, packet_size)
            starts = (
                start_of_tables(file, at, found.table_identifiers.__contains__)
                for at in found.offsets
            )
            return Outline(
                tuple(sorted(set(starts) - {0})),
                missing_bytes=max(0, missing),
                is_encrypted=_is_scrambled(tail, last, packet_size),
                track_identifiers=found.track_identifiers,
            )
    return Outline()


def _last_sync(tail: bytes, packet_size: int) -> int:
    """Return the offset of the last packet's synchronization byte, -1 if there are none."""
    for last in range(len(tail) - 1, len(tail) - 1 - packet_size, -1):
        row = [last - number * packet_size for number in range(_PACKETS_IN_A_ROW)]
        if row[-1] >= 0 and all(tail[at] == _SYNC for at in row):
            return last
    return -1


def _is_scrambled(tail: bytes, last: int, packet_size: int) -> bool:
    """Return whether most packets at the end are scrambled by an access control system."""
    controls = [tail[at + 3] >> 6 for at in range(last - packet_size, 0, -packet_size)]
    return sum(control > 1 for control in controls) * 2 > len(controls)


def start_of_tables(file: BinaryIO, at: int, is_table: Callable[[int], bool]) -> int:
    """Return the offset of the tables that directly precede the packet at `at`.

    `is_table` returns whether packets with an identifier belong to tables.
    """
    file.seek(at)
    head = file.read(_PACKET_SIZES[-1] * 2)
    for packet_size in _PACKET_SIZES:
        if head[:1] == b"\x47" and head[packet_size : packet_size + 1] == b"\x47":
            break
    else:
        return at
    begins_at = at
    for _ in range(_MOST_TABLES):
        if begins_at < packet_size:
            break
        file.seek(begins_at - packet_size)
        before = file.read(3)
        if before[0] != _SYNC or not is_table(int.from_bytes(before[1:3], "big") & 0x1FFF):
            break
        begins_at -= packet_size
    return begins_at
