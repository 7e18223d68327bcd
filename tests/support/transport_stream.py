"""Transport streams with other packet identifiers from a place on."""

import zlib
from collections.abc import Mapping

PACKET = 188
_IDENTIFIER = 0x1FFF
_TRACKS_AT = 0x1000
_REVERSED_BITS = bytes(int(f"{number:08b}"[::-1], 2) for number in range(256))


def with_other_identifiers(stream: bytes, share: float, others: Mapping[int, int]) -> bytes:
    """Replace the packet identifiers of tracks after a share of a stream that ffmpeg wrote.

    Tables precede the change, which may be between any two pictures.
    """
    packets = [bytearray(stream[at : at + PACKET]) for at in range(0, len(stream), PACKET)]
    first = round(len(packets) * share)
    while _identifier(packets[first], 1):
        first += 1
    for packet in packets[first:]:
        identifier = _identifier(packet, 1)
        if identifier in others:
            _set_identifier(packet, 1, others[identifier])
        elif identifier == _TRACKS_AT:
            _replace_in_table(packet, others)
    return b"".join(packets)


def _identifier(content: bytearray, at: int) -> int:
    return int.from_bytes(content[at : at + 2], "big") & _IDENTIFIER


def _set_identifier(content: bytearray, at: int, identifier: int) -> None:
    flags = int.from_bytes(content[at : at + 2], "big") & ~_IDENTIFIER
    content[at : at + 2] = (flags | identifier).to_bytes(2, "big")


def _replace_in_table(packet: bytearray, others: Mapping[int, int]) -> None:
    # ffmpeg writes a table at the start of a packet, after a pointer of zero.
    begins_at = 5
    length = 3 + (int.from_bytes(packet[begins_at + 1 : begins_at + 3], "big") & 0xFFF)
    end = begins_at + length - 4
    at = begins_at + 12
    while at < end:
        identifier = _identifier(packet, at + 1)
        _set_identifier(packet, at + 1, others.get(identifier, identifier))
        at += 5 + (int.from_bytes(packet[at + 3 : at + 5], "big") & 0xFFF)
    checksum = zlib.crc32(bytes(packet[begins_at:end]).translate(_REVERSED_BITS)) ^ 0xFFFFFFFF
    packet[end : end + 4] = checksum.to_bytes(4, "little").translate(_REVERSED_BITS)
