"""A transaction that is open on a connection to PostgreSQL."""

from typing import Any

import pg8000.native

from streaming.resilience.deadline import within

# A client that is disconnected during a transaction must not hold locks for hours.
_ABANDONED_SECONDS = 5.0

Row = dict[str, Any]


class Transaction:
    """Runs statements, each in at most ``statement_seconds``.

    Both methods raise what pg8000 and sockets raise; ``Database`` converts it.
    """

    def __init__(self, connection: pg8000.native.Connection, statement_seconds: float) -> None:
        self._connection = connection
        self._statement_seconds = statement_seconds

    def rows(self, statement: str, **parameters: Any) -> list[Row]:
        """Run ``statement`` with its ``:name`` parameters; return its rows by column name."""
        with within(self._statement_seconds):
            values = self._connection.run(statement, **parameters) or []
        names = [column["name"] for column in self._connection.columns or []]
        return [dict(zip(names, row, strict=True)) for row in values]

    def row(self, statement: str, **parameters: Any) -> Row | None:
        """Run ``statement`` and return its first row, or None."""
        rows = self.rows(statement, **parameters)
        return rows[0] if rows else None


def begin_statement(statement_seconds: float) -> str:
    """Return SQL that begins a transaction whose statements end after ``statement_seconds``."""
    return f"""
    BEGIN;
    SET LOCAL idle_in_transaction_session_timeout = '{_ABANDONED_SECONDS:g}s';
    SET LOCAL statement_timeout = '{statement_seconds:g}s'
"""
