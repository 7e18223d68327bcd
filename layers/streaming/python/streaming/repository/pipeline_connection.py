"""A connection to PostgreSQL that sends several statements and reads their answers afterwards.

pg8000 waits for the server after each message. Here the messages of all statements are sent at
once, so a transaction takes one round trip:
https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING

Statements of which the plan is kept are prepared by name, as long as the server or its pooler keeps
them.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pg8000.native
from pg8000.converters import make_params
from pg8000.core import Context

from streaming.repository.answers import Answers, Row, columns_of, row_of
from streaming.repository.prepared import UNNAMED, name_of
from streaming.resilience.deadline import within

__all__ = ["PipelineConnection", "Row", "Statement"]

_HEADER = struct.Struct("!ci")
_SHORT = struct.Struct("!H")
_LENGTH = struct.Struct("!i")
_NULL = _LENGTH.pack(-1)

# The unnamed portal: its description, then its execution without a limit of rows.
_DESCRIBE_AND_EXECUTE = b"D\x00\x00\x00\x06P\x00" + b"E\x00\x00\x00\x09\x00\x00\x00\x00\x00"
_SYNC = b"S\x00\x00\x00\x04"
_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"

_READY, _ERROR, _DESCRIPTION, _ROW, _COMPLETE, _PARSED = b"Z", b"E", b"T", b"D", b"C", b"1"
_EXPECTED = b"23nIs"
"""The messages that tell nothing more: bound, closed, no rows, no statement, suspended."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with the values of its ``:name`` parameters.

    ``keeps_plan`` says that one plan fits all values, and that the statement is used often.
    """

    sql: str
    parameters: Mapping[str, Any]
    keeps_plan: bool = False


class PipelineConnection(pg8000.native.Connection):  # type: ignore[misc]  # pg8000 has no types
    """Sends statements together. Each method raises what pg8000 and sockets raise.

    After an error that the server did not report, the connection has unread answers and must be
    closed.
    """

    prepared: set[str] | None = None
    """The SQL of what is prepared by name; None if nothing may be."""

    def wait_without_limit(self) -> None:
        """Remove the socket's own time-out; the deadline alone limits each wait."""
        self._usock.settimeout(None)

    def transact(
        self,
        begin: str,
        statements: Sequence[Statement],
        first_seconds: float,
        statement_seconds: float,
    ) -> tuple[list[list[Row]], list[list[Row]]]:
        """Run ``statements`` in a transaction, in one round trip.

        Returns the rows of each command of ``begin``, and of each statement. ``begin`` is SQL
        without parameters that begins the transaction. Its answer may take ``first_seconds``,
        every other one ``statement_seconds``. If the server reports an error, the transaction is
        rolled back, and the first error is raised.
        """
        request = bytearray(_query(begin, self._client_encoding))
        answers = Answers([])
        for statement in statements:
            self._append(request, statement, answers, by_name=statement.keeps_plan)
        request += _SYNC + _COMMIT
        with within(first_seconds):
            self._send(request)
            self._read_until_ready(answers)
        first, answers.rows = answers.rows, []
        with within(statement_seconds * len(statements)):
            self._read_until_ready(answers)
        rows, answers.rows = answers.rows, []
        with within(statement_seconds):
            self._read_until_ready(answers)
        if answers.error is not None:
            raise answers.error
        if answers.last_command != b"COMMIT":
            raise pg8000.native.InterfaceError(f"not committed: {answers.last_command!r}")
        return first, rows

    def script(self, sql: str) -> list[list[Row]]:
        """Run SQL of several commands without parameters; return the rows of each."""
        self._send(_query(sql, self._client_encoding))
        answers = Answers([])
        self._read_until_ready(answers)
        if answers.error is not None:
            raise answers.error
        return answers.rows

    def rows(self, statement: Statement) -> list[Row]:
        """Run ``statement`` in the open transaction, in one round trip; return its rows."""
        request = bytearray()
        answers = Answers([])
        self._append(request, statement, answers, by_name=False)
        self._send(request + _SYNC)
        self._read_until_ready(answers)
        if answers.error is not None:
            raise answers.error
        return answers.rows[0]

    def _append(
        self, request: bytearray, statement: Statement, answers: Answers, *, by_name: bool
    ) -> None:
        sql, values_of = _parsed(statement.sql)
        encoding = self._client_encoding
        prepared = self.prepared if by_name else None
        name = UNNAMED if prepared is None else name_of(sql)
        if prepared is None or sql not in prepared:
            text = name + b"\x00" + sql.encode(encoding) + b"\x00\x00\x00"
            request += _HEADER.pack(b"P", len(text) + 4) + text
            answers.awaited.append("" if prepared is None else sql)
        values = make_params(self.py_types, values_of(statement.parameters))
        bind = bytearray(b"\x00" + name + b"\x00\x00\x00" + _SHORT.pack(len(values)))
        for value in values:
            if value is None:
                bind += _NULL
            else:
                data = value.encode(encoding)
                bind += _LENGTH.pack(len(data)) + data
        bind += b"\x00\x00"
        request += _HEADER.pack(b"B", len(bind) + 4) + bind + _DESCRIBE_AND_EXECUTE

    def _send(self, request: bytes | bytearray) -> None:
        if self._sock is None:
            raise pg8000.native.InterfaceError("connection is closed")
        self._sock.write(request)
        self._sock.flush()

    def _read_until_ready(self, answers: Answers) -> None:
        """Read the answers up to the next ReadyForQuery."""
        rows: list[Row] = []
        while True:
            code, data = self._message()
            if code == _ROW:
                rows.append(row_of(data, answers, self._client_encoding))
            elif code == _DESCRIPTION:
                columns = columns_of(data, self._client_encoding)
                answers.names = tuple(name for name, _ in columns)
                answers.converters = tuple(self.pg_types[oid] for _, oid in columns)
            elif code == _COMPLETE:
                answers.rows.append(rows)
                answers.last_command = data[:-1]
                rows = []
            elif code == _READY:
                self._transaction_status = data
                return
            elif code == _PARSED:
                self._note_parsed(answers)
            elif code == _ERROR:
                self._note_error(data, answers)
            elif code not in _EXPECTED:
                self._take(code, data)

    def _message(self) -> tuple[bytes, bytes]:
        code, length = _HEADER.unpack(self._bytes(5))
        return code, self._bytes(length - 4)

    def _bytes(self, count: int) -> bytes:
        data: bytes = self._sock.read(count)
        if len(data) < count:
            raise pg8000.native.InterfaceError("network error")
        return data

    def _note_parsed(self, answers: Answers) -> None:
        parsed = answers.awaited.popleft()
        if parsed and self.prepared is not None:
            self.prepared.add(parsed)

    def _take(self, code: bytes, data: bytes) -> None:
        """Handle a message that may arrive at any time, such as a notice."""
        handle = self.message_types.get(code)
        if handle is None:
            raise pg8000.native.InterfaceError(f"unknown message: {code!r}")
        handle(data, Context(None))

    def _note_error(self, data: bytes, answers: Answers) -> None:
        context = Context(None)
        self.handle_ERROR_RESPONSE(data, context)
        # Every later error is a consequence of the first one.
        answers.error = answers.error or context.error


def _query(sql: str, encoding: str) -> bytes:
    text = sql.encode(encoding)
    return _HEADER.pack(b"Q", len(text) + 5) + text + b"\x00"


@lru_cache(maxsize=512)
def _parsed(sql: str) -> tuple[str, Callable[[Mapping[str, Any]], tuple[Any, ...]]]:
    """Return the statement with numbered parameters, and what orders their values."""
    statement, values_of = pg8000.native.to_statement(sql)
    return statement, values_of
