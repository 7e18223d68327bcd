"""The answers of PostgreSQL to statements, and the rows in them.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pg8000.native

Row = dict[str, Any]

_SHORT = struct.Struct("!H")
_LENGTH = struct.Struct("!i")
_FIELD = struct.Struct("!ihihih")


@dataclass(slots=True)
class Answers:
    """What the server answered to the statements so far."""

    rows: list[list[Row]]
    # The SQL of what the server has not parsed yet; empty without a name.
    awaited: deque[str] = field(default_factory=deque)
    names: tuple[str, ...] = ()
    converters: tuple[Callable[[str], Any], ...] = ()
    error: pg8000.native.DatabaseError | None = None
    last_command: bytes = b""


@lru_cache(maxsize=512)
def columns_of(description: bytes, encoding: str) -> tuple[tuple[str, int], ...]:
    """Return name and type of each column of a RowDescription."""
    (count,) = _SHORT.unpack_from(description)
    columns = []
    at = 2
    for _ in range(count):
        end = description.index(b"\x00", at)
        _, _, type_oid, _, _, _ = _FIELD.unpack_from(description, end + 1)
        columns.append((description[at:end].decode(encoding), type_oid))
        at = end + 1 + _FIELD.size
    return tuple(columns)


def row_of(data: bytes, answers: Answers, encoding: str) -> Row:
    """Return the row of a DataRow, by the columns that were described last."""
    row: Row = {}
    at = 2
    for name, converter in zip(answers.names, answers.converters, strict=True):
        (length,) = _LENGTH.unpack_from(data, at)
        at += 4
        if length < 0:
            row[name] = None
        else:
            row[name] = converter(str(data[at : at + length], encoding))
            at += length
    return row
