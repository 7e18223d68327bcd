"""A transaction that is open on a connection to PostgreSQL."""

from typing import Any

from streaming.repository.pipeline_connection import PipelineConnection, Row, Statement
from streaming.resilience.deadline import stretched, within

# A client that is disconnected during a transaction must not hold locks for hours.
_ABANDONED_SECONDS = 5.0

__all__ = ["Row", "Transaction", "begin_statement"]


class Transaction:
    """Runs statements, each in at most ``statement_seconds``.

    Each method raises what pg8000 and sockets raise; ``Database`` converts it.
    """

    def __init__(self, connection: PipelineConnection, statement_seconds: float) -> None:
        self._connection = connection
        self._statement_seconds = statement_seconds

    def rows(self, statement: str, **parameters: Any) -> list[Row]:
        """Run ``statement`` with its ``:name`` parameters; return its rows by column name."""
        return self.run(Statement(statement, parameters))

    def run(self, statement: Statement) -> list[Row]:
        """Run ``statement``; return its rows."""
        with within(self._statement_seconds):
            return self._connection.rows(statement)

    def script(self, statements: str) -> None:
        """Run SQL of several statements, without parameters."""
        with within(self._statement_seconds):
            self._connection.script(statements)

    def row(self, statement: str, **parameters: Any) -> Row | None:
        """Run ``statement`` and return its first row, or None."""
        rows = self.rows(statement, **parameters)
        return rows[0] if rows else None


def begin_statement(statement_seconds: float) -> str:
    """Return SQL that begins a transaction whose statements end after ``statement_seconds``."""
    return f"""
    BEGIN;
    SET LOCAL idle_in_transaction_session_timeout = '{stretched(_ABANDONED_SECONDS):g}s';
    SET LOCAL statement_timeout = '{stretched(statement_seconds):g}s'
"""
