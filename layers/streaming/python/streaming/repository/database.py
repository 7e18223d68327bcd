"""Runs work in explicit transactions on the one connection of an execution environment.

After an error that the server did not report, pg8000's connection may have an unread answer, and
the next query would get another user's rows. Such a connection is closed, never rolled back.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import pg8000.native
from aws_lambda_powertools.logging import Logger

from streaming.config.database import DatabaseSettings
from streaming.config.rotating_secrets import Rotating
from streaming.domain.errors import DatabaseUnavailable, StreamingError
from streaming.observability.metrics import emit_dependency_failure
from streaming.repository.commits import (
    SELECT_IDENTITY,
    Outcome,
    TransactionIdentity,
    final_outcome,
    outcome_of,
)
from streaming.repository.connection import WIRE_ERRORS, Connector, close_quietly
from streaming.repository.server_errors import (
    means_busy_server,
    means_lost_connection,
    means_transaction_gave_way,
)
from streaming.repository.transaction import Transaction, begin_statement
from streaming.resilience.circuit_breaker import CircuitBreaker
from streaming.resilience.deadline import DeadlineExceeded, allowance, within

logger = Logger(child=True)

_STATEMENT_SECONDS = 1.0
# After a freeze the connection may be broken. The first statement then waits less, which leaves
# time to open another connection.
_IDLE_SECONDS = 10.0
_FIRST_STATEMENT_SECONDS = 0.5
_BEGIN_SECONDS = 0.75
# How long the breaker stays open after an attempt to connect timed out.
_PAUSE_SECONDS = 1.0

Result = TypeVar("Result")


class Rider(Protocol):
    """A query that takes no round trip of its own: some transactions make it when they begin."""

    def query(self) -> str | None:
        """Return a query of one row for the transaction that begins now, or None."""
        ...

    def take(self, row: Sequence[Any]) -> None:
        """Use the row, which was read before the transaction changed anything."""
        ...


class _Lost(Exception):
    """The connection cannot be used any more; the same work may succeed on another one."""

    def __init__(self, operation: str) -> None:
        super().__init__(operation)
        self.operation = operation


class _CommitUnanswered(_Lost):
    """The connection was lost during COMMIT, so the transaction may be committed.

    ``result`` is what the work returned. ``identity`` is None for a transaction that only reads.
    """

    def __init__(self, result: Any, identity: TransactionIdentity | None) -> None:
        super().__init__("query")
        self.result = result
        self.identity = identity


class _GaveWay(Exception):
    """The server rolled the transaction back in favour of another one; a retry may succeed."""


class Database:
    """Runs work in transactions, and reconnects when the connection has broken.

    ``settings`` may rotate: each new connection uses the current password. A statement may take
    ``statement_seconds``. ``rider`` has a query that transactions make along with
    their first statement.
    """

    def __init__(
        self,
        settings: DatabaseSettings | Rotating[DatabaseSettings],
        statement_seconds: float = _STATEMENT_SECONDS,
        rider: Rider | None = None,
    ) -> None:
        self._connector = Connector(settings)
        self._statement_seconds = statement_seconds
        self._rider = rider
        self._begin = begin_statement(statement_seconds)
        self._begin_to_write = f"{self._begin};{SELECT_IDENTITY}"
        self._connection: pg8000.native.Connection | None = None
        self._used_at = 0.0
        self._breaker = CircuitBreaker(_PAUSE_SECONDS)

    def run(self, work: Callable[[Transaction], Result]) -> Result:
        """Run ``work`` in a transaction, commit, and return its result.

        ``work`` takes effect at most once: when the reply to COMMIT is lost, the server is asked
        for the status of the transaction. ``work`` runs a second time when a reused connection was
        broken, or when the server rolled the transaction back in favour of another one. Raises
        ``DatabaseUnavailable``, also when it is unknown whether the transaction was committed;
        ``pg8000.native.DatabaseError`` for a rejected statement; ``ConfigurationError`` for an
        invalid ``DATABASE_URL``; and what ``work`` raises.
        """
        return self._run(work, self._begin_to_write)

    def read(self, work: Callable[[Transaction], Result]) -> Result:
        """Run ``work``, which only reads, as ``run`` does; it may run twice."""
        return self._run(work, self._begin)

    def close(self) -> None:
        """Close the connection; the next transaction opens another one. Never raises."""
        connection, self._connection = self._connection, None
        if connection is not None:
            close_quietly(connection)

    def _run(self, work: Callable[[Transaction], Result], begin: str) -> Result:
        if self._breaker.is_open:
            raise DatabaseUnavailable("the database did not answer a moment ago")
        was_connected = self._connection is not None
        began = time.monotonic()
        try:
            allowance(_STATEMENT_SECONDS)
            try:
                return self._run_once(work, begin)
            except _GaveWay:
                return self._run_once(work, begin)
            except _Lost:
                if not was_connected:
                    raise
                return self._run_once(work, begin)
        except DeadlineExceeded as error:
            raise DatabaseUnavailable("there is no time left for the database") from error
        except _GaveWay as error:
            failure = emit_dependency_failure("postgresql", "query", error)
            logger.warning("PostgreSQL rolled back in favour of other transactions", **failure)
            raise DatabaseUnavailable("the database is overloaded") from error.__cause__
        except _Lost as error:
            self._note(error, time.monotonic() - began)
            raise DatabaseUnavailable("the database does not answer") from error.__cause__

    def _run_once(self, work: Callable[[Transaction], Result], begin: str) -> Result:
        try:
            return self._attempt(work, begin)
        except _CommitUnanswered as commit:
            if commit.identity is None or not self._was_committed(commit.identity):
                raise
            result: Result = commit.result
            return result

    def _was_committed(self, identity: TransactionIdentity) -> bool:
        """Find out on a new connection whether a transaction was committed.

        Raises ``DatabaseUnavailable`` when that is unknown.
        """
        try:
            outcome = final_outcome(lambda: self._outcome_of(identity))
        except _Lost as error:
            self._note(error, 0.0)
            raise DatabaseUnavailable("the database does not answer") from error.__cause__
        if outcome not in ("committed", "aborted"):
            raise DatabaseUnavailable("it is not known whether the database has committed")
        return outcome == "committed"

    def _outcome_of(self, identity: TransactionIdentity) -> Outcome | None:
        try:
            return self._ask_for_outcome(identity)
        except _Lost:
            return self._ask_for_outcome(identity)

    def _ask_for_outcome(self, identity: TransactionIdentity) -> Outcome | None:
        try:
            connection = self._connection = self._connection or self._connector.connect()
            with within(_STATEMENT_SECONDS):
                return outcome_of(connection, identity)
        except (pg8000.native.DatabaseError, *WIRE_ERRORS) as error:
            raise self._lost() from error
        except BaseException:
            self.close()
            raise

    def _attempt(self, work: Callable[[Transaction], Result], begin: str) -> Result:
        try:
            connection = self._connection = self._connection or self._connector.connect()
            with within(self._patience()):
                rows = self._run_with_rider(connection, begin)
            identity = TransactionIdentity.of(rows[0]) if rows else None
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

    def _run_with_rider(self, connection: pg8000.native.Connection, begin: str) -> list[Any]:
        query = self._rider.query() if self._rider else None
        if query is None or self._rider is None:
            rows: list[Any] = connection.run(begin) or []
            return rows
        *rows, answer = connection.run(f"{begin};{query}")
        self._rider.take(answer)
        return rows

    def _commit(self, result: Any, identity: TransactionIdentity | None) -> None:
        assert self._connection is not None
        try:
            with within(_STATEMENT_SECONDS):
                self._connection.run("COMMIT")
        except (pg8000.native.DatabaseError, *WIRE_ERRORS) as error:
            if isinstance(error, pg8000.native.DatabaseError) and not means_lost_connection(error):
                raise
            self.close()
            raise _CommitUnanswered(result, identity) from error

    def _lost(self) -> _Lost:
        operation = "query" if self._connection else "connect"
        self.close()
        return _Lost(operation)

    def _note(self, error: _Lost, seconds: float) -> None:
        failure = emit_dependency_failure("postgresql", error.operation, error)
        logger.warning("PostgreSQL does not answer", **failure)
        is_silent = failure["kind"] == "timeout" and error.operation == "connect"
        if is_silent and seconds >= _FIRST_STATEMENT_SECONDS:
            self._breaker.record_failure()

    def _patience(self) -> float:
        """Return how many seconds BEGIN may take."""
        # The monotonic clock may stop while the environment is frozen; the system time does not.
        is_idle = self._used_at and time.time() - self._used_at > _IDLE_SECONDS
        return _FIRST_STATEMENT_SECONDS if is_idle else _BEGIN_SECONDS

    def _recover(self, error: pg8000.native.DatabaseError) -> None:
        if self._connection is None or means_lost_connection(error):
            raise self._lost() from error
        self._roll_back()
        if means_transaction_gave_way(error):
            raise _GaveWay from error
        if means_busy_server(error):
            logger.warning(
                "PostgreSQL is overloaded", **emit_dependency_failure("postgresql", "query", error)
            )
            raise DatabaseUnavailable("the database is overloaded") from error

    def _roll_back(self) -> None:
        if self._connection is None:
            return
        try:
            with within(_STATEMENT_SECONDS):
                self._connection.run("ROLLBACK")
        except (pg8000.native.DatabaseError, *WIRE_ERRORS):
            self.close()
