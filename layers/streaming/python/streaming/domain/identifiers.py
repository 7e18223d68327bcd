"""Identifiers: strict parsing of UUIDs, and generation of UUIDv7, which sort by time."""

import os
import re
from uuid import UUID

_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def parse_uuid(text: object) -> UUID | None:
    """Parse a UUID in the canonical 36-character form; None for anything else."""
    if isinstance(text, str) and _CANONICAL_UUID.fullmatch(text):
        return UUID(text)
    return None


def first_uuid7(unix_milliseconds: int) -> UUID:
    """Return the smallest UUIDv7 of this Unix millisecond.

    It is a lower bound for comparisons: all bits after the version are zero, the variant too.
    """
    return UUID(int=(unix_milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76)


def milliseconds_of(uuid: UUID) -> int:
    """Return the Unix milliseconds of a UUIDv7."""
    return uuid.int >> 80


def uuid7(unix_milliseconds: int) -> UUID:
    """Generate a UUIDv7 (RFC 9562 section 5.7): ``unix_milliseconds`` (48 bits), then random."""
    random_bits = int.from_bytes(os.urandom(10), "big")
    value = (unix_milliseconds & (1 << 48) - 1) << 80 | random_bits
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
