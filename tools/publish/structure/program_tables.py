"""The program tables of an MPEG transport stream (ISO/IEC 13818-1 2.4.4), which name its tracks.

A recording that follows another one in the same file has tables of its own. If these name other
packet identifiers, ffmpeg reads other tracks from there on, or none if it has started to decode.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from tools.publish.structure.transport_packets import aligned, packets_of

# Without a time before it or a checksum after it.
_PACKET = 188
_STUFFING = 0xFF
_REVERSED_BITS = bytes(int(f"{number:08b}"[::-1], 2) for number in range(256))
# The checksum of zlib, with its bits in reverse order, of a section with its own checksum.
_RIGHT_CHECKSUM = 0xFFFFFFFF
_RESERVED_IDENTIFIERS = range(0x20)
_PROGRAMS_TABLE, _TRACKS_TABLE = 0, 2
_SECTION_HEADER, _FIXED_HEADER, _CHECKSUM = 3, 8, 4
# Sections, data carousels, metadata, splice points and bitmap subtitles.
_DATA_TYPES = frozenset((0x05, *range(0x08, 0x0F), *range(0x12, 0x1B), 0x86, *range(0x90, 0x93)))
_PRIVATE_TYPE = 0x06
# Teletext and subtitles of DVB.
_TEXT_DESCRIPTORS = frozenset((0x46, 0x56, 0x59))

# The channels of Opus, which its packets do not tell.
_EXTENSION_DESCRIPTOR, _OPUS_CHANNELS = 0x7F, 0x80

Tracks = frozenset[tuple[int, int, bytes]]
"""The stream type, the packet identifier and the channels of each track with pictures or sound."""


@dataclass(slots=True)
class _Tables:
    """The tables that were read last: packet identifiers and tracks by program number.

    `programs_at` is the offset of the table of programs. `new` are its programs if they replace
    others.
    """

    programs: dict[int, int] = field(default_factory=dict)
    programs_at: int = 0
    new: frozenset[int] = frozenset()
    tracks: dict[int, Tracks] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replacements:
    """The offsets of the tables from which on other tracks replace those before.

    `table_identifiers` and `track_identifiers` are the packet identifiers of tables and of tracks.
    """

    offsets: tuple[int, ...]
    table_identifiers: frozenset[int]
    track_identifiers: frozenset[int]


def replacements(file: BinaryIO, first_at: int, size: int, packet_size: int) -> Replacements:
    """Return where tracks replace others; tracks that are only added or only removed do not.

    `first_at` is the offset of a packet's synchronization byte.
    """
    tables = _Tables()
    found: set[int] = set()
    identifiers = set(_RESERVED_IDENTIFIERS)
    of_tracks: set[int] = set()
    for at, section in _sections(file, first_at, size, packet_size):
        if section[0] == _PROGRAMS_TABLE:
            programs = _programs(section)
            if programs != tables.programs:
                _replace_programs(tables, programs, at)
                identifiers.update(programs.values())
        elif section[0] == _TRACKS_TABLE and (tracks := _tracks(section)):
            number = int.from_bytes(section[3:5], "big")
            former = tables.tracks.get(number, frozenset())
            if not former and number in tables.new:
                found.add(tables.programs_at)
            elif former - tracks and tracks - former:
                found.add(at)
            tables.tracks[number] = tracks
            of_tracks.update(identifier for _, identifier, _ in tracks)
    return Replacements(
        tuple(sorted(found)), frozenset(identifiers - of_tracks), frozenset(of_tracks)
    )


def _replace_programs(tables: _Tables, programs: dict[int, int], at: int) -> None:
    removed = tables.programs.keys() - programs.keys()
    tables.new = frozenset(programs.keys() - tables.programs.keys() if removed else ())
    tables.programs, tables.programs_at = programs, at
    for number in removed:
        tables.tracks.pop(number, None)


def _sections(
    file: BinaryIO, first_at: int, size: int, packet_size: int
) -> Iterator[tuple[int, bytes]]:
    """Yield the offset and the bytes of each section of the tables that is new and undamaged."""
    identifiers = {0}
    begun: dict[int, tuple[int, bytes]] = {}
    known: dict[tuple[int, int], bytes] = {}
    for chunk_at, chunk in aligned(file, first_at, size, packet_size):
        for identifier, packet_at in packets_of(identifiers, chunk, packet_size):
            packet = chunk[packet_at : packet_at + packet_size]
            at, content = _continued(packet, chunk_at + packet_at, begun.get(identifier))
            while length := _length(content):
                section, content = content[:length], content[length:]
                # The tables of several programs may have the same packet identifier.
                number = int.from_bytes(section[3:5], "big") if identifier else 0
                if known.get((identifier, number)) == section or not _is_valid(section):
                    continue
                if not identifier:
                    known.clear()
                    identifiers.update(_programs(section).values())
                known[identifier, number] = section
                yield at, section
            begun[identifier] = at, b"" if content[:1] == bytes((_STUFFING,)) else content


def _continued(packet: bytes, at: int, begun: tuple[int, bytes] | None) -> tuple[int, bytes]:
    """Return the offset at which a section begins, and its bytes up to the end of a packet."""
    if len(packet) < _PACKET:
        return at, b""
    payload_at = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
    payload = packet[payload_at:_PACKET] if packet[3] & 0x10 else b""
    if not packet[1] & 0x40:
        return (begun[0], begun[1] + payload) if begun and begun[1] else (at, b"")
    return at, payload[1 + payload[0] :] if payload else b""


def _length(content: bytes) -> int:
    """Return the length of the section with which `content` begins, 0 if it is not whole."""
    if len(content) < _SECTION_HEADER or content[0] == _STUFFING:
        return 0
    length = _SECTION_HEADER + (int.from_bytes(content[1:3], "big") & 0xFFF)
    return length if len(content) >= length else 0


def _is_valid(section: bytes) -> bool:
    """Return whether a section is in force, the first one of its table, and undamaged."""
    if len(section) < _FIXED_HEADER + _CHECKSUM or not section[5] & 1 or section[6]:
        return False
    if section[0] == _PROGRAMS_TABLE and len(section) % 4:
        return False
    return zlib.crc32(section.translate(_REVERSED_BITS)) == _RIGHT_CHECKSUM


def _programs(section: bytes) -> dict[int, int]:
    """Return the packet identifiers of the tables of tracks by program number."""
    entries = struct.iter_unpack(">HH", section[_FIXED_HEADER:-_CHECKSUM])
    # Number 0 is the network's.
    return {number: identifier & 0x1FFF for number, identifier in entries if number}


def _tracks(section: bytes) -> Tracks:
    """Return the tracks of a program with pictures or sound."""
    at = _FIXED_HEADER + 4 + (int.from_bytes(section[10:12], "big") & 0xFFF)
    end = len(section) - _CHECKSUM
    tracks = set()
    while at + 5 <= end:
        kind = section[at]
        identifier = int.from_bytes(section[at + 1 : at + 3], "big") & 0x1FFF
        length = int.from_bytes(section[at + 3 : at + 5], "big") & 0xFFF
        descriptors = dict(_descriptors(section[at + 5 : at + 5 + length]))
        is_text = kind == _PRIVATE_TYPE and not _TEXT_DESCRIPTORS.isdisjoint(descriptors)
        if kind not in _DATA_TYPES and not is_text:
            extension = descriptors.get(_EXTENSION_DESCRIPTOR, b"")
            channels = extension if extension[:1] == bytes((_OPUS_CHANNELS,)) else b""
            tracks.add((kind, identifier, channels))
        at += 5 + length
    return frozenset(tracks)


def _descriptors(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the tag and the content of each descriptor of a track."""
    at = 0
    while at + 2 <= len(content):
        end = at + 2 + content[at + 1]
        yield content[at], content[at + 2 : end]
        at = end
