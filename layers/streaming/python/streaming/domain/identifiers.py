"""Identifiers: reading UUIDs strictly, and making UUIDv7 ones, which compare by time."""

import os
import re
from uuid import UUID

_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def parse_uuid(text: object) -> UUID | None:
    """Return the UUID that ``text`` spells in the canonical 36-character form, else None."""
    if isinstance(text, str) and _CANONICAL_UUID.fullmatch(text):
        return UUID(text)
    return None


def first_uuid7(unix_milliseconds: int) -> UUID:
    """Return what no UUIDv7 of ``unix_milliseconds`` or later compares less than."""
    return UUID(int=(unix_milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76)


def milliseconds_of(uuid: UUID) -> int:
    """Return the Unix milliseconds of a UUIDv7."""
    return uuid.int >> 80


def uuid7(unix_milliseconds: int) -> UUID:
    """Make a UUIDv7: 48 bits of ``unix_milliseconds``, then random bits (RFC 9562 section 5.7)."""
    random_bits = int.from_bytes(os.urandom(10), "big")
    value = (unix_milliseconds & (1 << 48) - 1) << 80 | random_bits
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
