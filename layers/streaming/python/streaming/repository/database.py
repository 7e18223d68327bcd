"""Runs transactions on the one connection of an execution environment.

``pipeline`` sends a whole transaction at once. ``run`` is for work in which a
statement depends on the rows of an earlier one.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from aws_lambda_powertools.logging import Logger

from streaming.config.database import DatabaseSettings
from streaming.config.rotating_secrets import Rotating
from streaming.domain.errors import DatabaseUnavailable
from streaming.observability.metrics import emit_dependency_failure
from streaming.repository.commits import (
    SELECT_IDENTITY,
    Outcome,
    TransactionIdentity,
    final_outcome,
)
from streaming.repository.connection_errors import CommitUnanswered, GaveWay, Lost
from streaming.repository.connector import Connector
from streaming.repository.held_connection import (
    FIRST_STATEMENT_SECONDS,
    STATEMENT_SECONDS,
    HeldConnection,
    Rider,
)
from streaming.repository.pipeline_connection import Row, Statement
from streaming.repository.transaction import Transaction, begin_statement
from streaming.resilience.circuit_breaker import CircuitBreaker
from streaming.resilience.deadline import DeadlineExceeded, allowance

logger = Logger(child=True)

# How long the breaker stays open after an attempt to connect timed out.
_PAUSE_SECONDS = 1.0

Result = TypeVar("Result")


class Database:
    """Runs work in transactions, and reconnects when the connection has broken.

    ``settings`` may rotate: each new connection uses the current password. A statement may take
    ``statement_seconds``. ``rider`` has a query that transactions make along with
    their first statement.
    """

    def __init__(
        self,
        settings: DatabaseSettings | Rotating[DatabaseSettings],
        statement_seconds: float = STATEMENT_SECONDS,
        rider: Rider | None = None,
    ) -> None:
        self._connection = HeldConnection(Connector(settings), statement_seconds, rider)
        self._begin = begin_statement(statement_seconds)
        self._begin_to_write = f"{self._begin};{SELECT_IDENTITY}"
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
        return self._run(lambda: self._run_once(work))

    def pipeline(
        self,
        *statements: Statement,
        is_conclusive: Callable[[list[list[Row]]], bool] | None = None,
    ) -> list[list[Row]]:
        """Run ``statements`` in one transaction and one round trip; return the rows of each.

        Each sees what was committed before it begins. All are sent before the first one is
        answered, so none can depend on the rows of another one except in SQL. They run a second
        time if the connection is lost, even if that was after the commit: to run them twice must
        have the effect of running them once. ``is_conclusive`` returns whether the rows of a second
        run show what the first one did; if not, the outcome is unknown. Raises as ``run`` does.
        """
        was_lost = False

        def attempt() -> list[list[Row]]:
            nonlocal was_lost
            try:
                return self._connection.transact(self._begin, statements)
            except Lost:
                was_lost = True
                raise

        answers = self._run(attempt)
        if was_lost and is_conclusive is not None and not is_conclusive(answers):
            raise DatabaseUnavailable("it is not known whether the database has committed")
        return answers

    def query(self, statement: str, **parameters: Any) -> list[Row]:
        """Run one statement as ``pipeline`` does; return its rows."""
        (rows,) = self.pipeline(Statement(statement, parameters))
        return rows

    def close(self) -> None:
        """Close the connection; the next transaction opens another one. Never raises."""
        self._connection.close()

    def _run(self, attempt: Callable[[], Result]) -> Result:
        if self._breaker.is_open:
            raise DatabaseUnavailable("the database did not answer a moment ago")
        was_connected = self._connection.is_open
        began = time.monotonic()
        try:
            allowance(STATEMENT_SECONDS)
            try:
                return attempt()
            except GaveWay:
                return attempt()
            except Lost:
                if not was_connected:
                    raise
                return attempt()
        except DeadlineExceeded as error:
            raise DatabaseUnavailable("there is no time left for the database") from error
        except GaveWay as error:
            failure = emit_dependency_failure("postgresql", "query", error)
            logger.warning("PostgreSQL rolled back in favour of other transactions", **failure)
            raise DatabaseUnavailable("the database is overloaded") from error.__cause__
        except Lost as error:
            self._note(error, time.monotonic() - began)
            raise DatabaseUnavailable("the database does not answer") from error.__cause__

    def _run_once(self, work: Callable[[Transaction], Result]) -> Result:
        try:
            return self._connection.attempt(work, self._begin_to_write)
        except CommitUnanswered as commit:
            if not self._was_committed(commit.identity):
                raise
            result: Result = commit.result
            return result

    def _was_committed(self, identity: TransactionIdentity) -> bool:
        """Find out on a new connection whether a transaction was committed.

        Raises ``DatabaseUnavailable`` when that is unknown.
        """
        try:
            outcome = final_outcome(lambda: self._outcome_of(identity))
        except Lost as error:
            self._note(error, 0.0)
            raise DatabaseUnavailable("the database does not answer") from error.__cause__
        if outcome not in ("committed", "aborted"):
            raise DatabaseUnavailable("it is not known whether the database has committed")
        return outcome == "committed"

    def _outcome_of(self, identity: TransactionIdentity) -> Outcome | None:
        try:
            return self._connection.outcome_of(identity)
        except Lost:
            return self._connection.outcome_of(identity)

    def _note(self, error: Lost, seconds: float) -> None:
        failure = emit_dependency_failure("postgresql", error.operation, error)
        logger.warning("PostgreSQL does not answer", **failure)
        is_silent = failure["kind"] == "timeout" and error.operation == "connect"
        if is_silent and seconds >= FIRST_STATEMENT_SECONDS:
            self._breaker.record_failure()
