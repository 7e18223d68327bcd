"""Holds the one connection of an execution environment, and interprets its errors.

After an error that the server did not report, the connection may have an unread answer, and the
next query would get another user's rows. Such a connection is closed, never rolled back.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import pg8000.native
from aws_lambda_powertools.logging import Logger

from streaming.domain.errors import DatabaseUnavailable, StreamingError
from streaming.observability.metrics import emit_dependency_failure
from streaming.repository.commits import Outcome, TransactionIdentity, outcome_of
from streaming.repository.connection_errors import CommitUnanswered, GaveWay, Lost, PlansNotKept
from streaming.repository.connector import WIRE_ERRORS, Connector, close_quietly
from streaming.repository.pipeline_connection import PipelineConnection, Row, Statement
from streaming.repository.prepared import KEEP_PLANS
from streaming.repository.server_errors import (
    means_busy_server,
    means_lost_connection,
    means_outdated_plan,
    means_shared_session,
    means_transaction_gave_way,
)
from streaming.repository.transaction import Transaction
from streaming.resilience.deadline import within

logger = Logger(child=True)

STATEMENT_SECONDS = 1.0
# After a freeze the connection may be broken. The first statement then waits less, which leaves
# time to open another connection.
_IDLE_SECONDS = 10.0
FIRST_STATEMENT_SECONDS = 0.5
_BEGIN_SECONDS = 0.75

Result = TypeVar("Result")


class Rider(Protocol):
    """A query that takes no round trip of its own: some transactions make it when they begin."""

    def query(self) -> str | None:
        """Return a query of one row for the transaction that begins now, or None."""
        ...

    def take(self, row: Row) -> None:
        """Use the row, which was read before the transaction changed anything."""
        ...


class HeldConnection:
    """Runs transactions on one connection, which it opens when there is none.

    Its methods raise ``Lost``, ``GaveWay``, ``DatabaseUnavailable`` if the server is overloaded,
    and ``pg8000.native.DatabaseError`` for a rejected statement.
    """

    def __init__(
        self, connector: Connector, statement_seconds: float, rider: Rider | None = None
    ) -> None:
        self._connector = connector
        self._rider = rider
        self._statement_seconds = statement_seconds
        self._connection: PipelineConnection | None = None
        self._prepares = True
        self._used_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, which may be broken."""
        return self._connection is not None

    def close(self) -> None:
        """Close the connection; the next transaction opens another one. Never raises."""
        connection, self._connection = self._connection, None
        if connection is not None:
            close_quietly(connection)

    def transact(self, begin: str, statements: Sequence[Statement]) -> list[list[Row]]:
        """Run ``statements`` in one round trip, in a transaction that ``begin`` begins."""
        try:
            return self._transact(begin, statements)
        except PlansNotKept:
            logger.info("this connection prepares no statements by name from now on")
            self._connected().prepared = None
            return self._transact(begin, statements)

    def _transact(self, begin: str, statements: Sequence[Statement]) -> list[list[Row]]:
        connection = None
        try:
            connection = self._connected()
            rider_query = self._rider_query()
            keep_plans = f";{KEEP_PLANS}" if any(each.keeps_plan for each in statements) else ""
            first, answers = connection.transact(
                begin + keep_plans + rider_query,
                statements,
                self._patience(),
                self._statement_seconds,
            )
            if rider_query:
                self._tell_rider(first)
            self._used_at = time.time()
        except pg8000.native.DatabaseError as error:
            if connection is None or means_lost_connection(error):
                raise self._lost() from error
            if connection.prepared is not None and means_shared_session(error):
                # A pooler gives each transaction another session, whatever the connection.
                self._prepares = False
                raise PlansNotKept from error
            if connection.prepared is not None and means_outdated_plan(error):
                raise PlansNotKept from error
            self._interpret(error)
            raise
        except WIRE_ERRORS as error:
            raise self._lost() from error
        except BaseException:
            self.close()
            raise
        return answers

    def outcome_of(self, identity: TransactionIdentity) -> Outcome | None:
        """Return the status of a transaction; None if the server does not have it any more."""
        try:
            connection = self._connected()
            with within(STATEMENT_SECONDS):
                return outcome_of(connection, identity)
        except (pg8000.native.DatabaseError, *WIRE_ERRORS) as error:
            raise self._lost() from error
        except BaseException:
            self.close()
            raise

    def attempt(self, work: Callable[[Transaction], Result], begin: str) -> Result:
        """Run ``work`` in a transaction that ``begin`` begins; also raises what ``work`` raises."""
        try:
            connection = self._connected()
            rider_query = self._rider_query()
            with within(self._patience()):
                first = connection.script(begin + rider_query)
            if rider_query:
                self._tell_rider(first)
            identity = TransactionIdentity(**first[-1][0])
            result = work(Transaction(connection, self._statement_seconds))
            self._commit(result, identity)
            self._used_at = time.time()
        except pg8000.native.DatabaseError as error:
            self._recover(error)
            raise
        except StreamingError:
            self._roll_back()
            raise
        except WIRE_ERRORS as error:
            raise self._lost() from error
        except BaseException:
            self.close()
            raise
        return result

    def _connected(self) -> PipelineConnection:
        if self._connection is None:
            self._connection = self._connector.connect()
            self._connection.prepared = set() if self._prepares else None
        return self._connection

    def _rider_query(self) -> str:
        """Return what the rider adds to the beginning of a transaction."""
        query = self._rider.query() if self._rider else None
        return f";{query}" if query else ""

    def _tell_rider(self, answers: list[list[Row]]) -> None:
        """Remove the answer to the rider's query, the last one, and give it to the rider."""
        (row,) = answers.pop()
        assert self._rider is not None
        self._rider.take(row)

    def _commit(self, result: Any, identity: TransactionIdentity) -> None:
        assert self._connection is not None
        try:
            with within(STATEMENT_SECONDS):
                self._connection.run("COMMIT")
        except (pg8000.native.DatabaseError, *WIRE_ERRORS) as error:
            if isinstance(error, pg8000.native.DatabaseError) and not means_lost_connection(error):
                raise
            self.close()
            raise CommitUnanswered(result, identity) from error

    def _lost(self) -> Lost:
        operation = "query" if self._connection else "connect"
        self.close()
        return Lost(operation)

    def _patience(self) -> float:
        """Return how many seconds BEGIN may take."""
        # The monotonic clock may stop while the environment is frozen; the system time does not.
        is_idle = self._used_at and time.time() - self._used_at > _IDLE_SECONDS
        return FIRST_STATEMENT_SECONDS if is_idle else _BEGIN_SECONDS

    def _recover(self, error: pg8000.native.DatabaseError) -> None:
        if self._connection is None or means_lost_connection(error):
            raise self._lost() from error
        self._roll_back()
        self._interpret(error)

    def _interpret(self, error: pg8000.native.DatabaseError) -> None:
        """Raise what ``error`` means for the transaction; return if a statement was wrong."""
        if means_transaction_gave_way(error):
            raise GaveWay from error
        if means_busy_server(error):
            logger.warning(
                "PostgreSQL is overloaded", **emit_dependency_failure("postgresql", "query", error)
            )
            raise DatabaseUnavailable("the database is overloaded") from error

    def _roll_back(self) -> None:
        if self._connection is None:
            return
        try:
            with within(STATEMENT_SECONDS):
                self._connection.run("ROLLBACK")
        except (pg8000.native.DatabaseError, *WIRE_ERRORS):
            self.close()
