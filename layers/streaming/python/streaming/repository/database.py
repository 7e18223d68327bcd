"""The connection to PostgreSQL: one an execution environment, always in explicit transactions.

pg8000's connections do not survive a surprise: after an error that the server did not report, an
unread answer may be left on the wire, and the next query would get another user's rows. So such a
connection is closed, never rolled back and reused.
"""

import struct
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import pg8000.native
from aws_lambda_powertools.logging import Logger

from streaming.config.database import DatabaseSettings
from streaming.config.rotating_secrets import Rotating, SecretUnavailable
from streaming.domain.errors import DatabaseUnavailable, StreamingError
from streaming.observability.metrics import emit_dependency_failure
from streaming.repository.connection import close_quietly, connect, severity, sql_state
from streaming.resilience.circuit_breaker import Breaker
from streaming.resilience.deadline import DeadlineExceeded, allowance, within

logger = Logger(child=True)

_STATEMENT_SECONDS = 1.0
# An environment that was frozen may wake with a dead connection, which the first statement shows:
# it waits so little that there is time for another connection.
_IDLE_SECONDS = 10.0
_FIRST_STATEMENT_SECONDS = 0.5
_BEGIN_SECONDS = 0.75
# Whoever is cut off in a transaction must not hold a viewer's row for hours.
_ABANDONED_SECONDS = 5.0
# A server that does not even answer an attempt to connect is left alone for so long.
_PAUSE_SECONDS = 1.0

_BEGIN = """
    BEGIN;
    SET LOCAL idle_in_transaction_session_timeout = '{abandoned_seconds:g}s';
    SET LOCAL statement_timeout = '{statement_seconds:g}s'
"""
# PostgreSQL remembers what became of a transaction, so nobody has to guess when the reply to COMMIT
# is lost: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
# After a crash a server may use ids again that it had not written down.
_BEGIN_TO_WRITE = f"""{_BEGIN.rstrip()};
    SELECT CAST(pg_current_xact_id() AS text),
        CAST(1000000 * extract(epoch FROM pg_postmaster_start_time()) AS bigint)
"""  # noqa: S608
_SELECT_OUTCOME = """
    SELECT CASE
        WHEN {server_started_at:d}
            = CAST(1000000 * extract(epoch FROM pg_postmaster_start_time()) AS bigint)
        THEN pg_xact_status('{transaction_id:d}')
    END
"""
# The server may not be done with the commit yet, or not have noticed that the connection is gone.
_OUTCOME_SECONDS = 0.5
_OUTCOME_PAUSE_SECONDS = 0.02

_WIRE_ERRORS = (pg8000.native.InterfaceError, OSError, struct.error, UnicodeError)

# The server reports these, and means the connection: shutdown (57P0x), a failover that left a
# read-only server behind it (25006), too many connections (53300), broken protocol state (08xxx).
_CONNECTION_IS_LOST = ("57P01", "57P02", "57P03", "25006", "08")
_LOGIN_IS_REFUSED = "28"
_SERVER_IS_BUSY = ("53", "57014", "55P03")
# Deadlocks and serialization failures: the transaction was chosen to give way to another one.
_GAVE_WAY = "40"

Row = dict[str, Any]
Result = TypeVar("Result")


class _Lost(Exception):
    """The connection cannot be used any more; another one might do."""

    def __init__(self, operation: str) -> None:
        super().__init__(operation)
        self.operation = operation


class _CommitUnanswered(_Lost):
    """The connection was lost at COMMIT, which the server may have done; ``result`` is the work's.

    ``identity`` is the transaction's; None when it only read.
    """

    def __init__(self, result: Any, identity: "_Identity | None") -> None:
        super().__init__("query")
        self.result = result
        self.identity = identity


@dataclass(frozen=True, slots=True)
class _Identity:
    """Which transaction, of which run of the server: by the microsecond in which it started."""

    transaction_id: int
    server_started_at: int


class _GaveWay(Exception):
    """The transaction was undone in favour of another one; the same work may succeed now."""


class Transaction:
    """A transaction that is open on a connection."""

    def __init__(self, connection: pg8000.native.Connection, statement_seconds: float) -> None:
        self._connection = connection
        self._statement_seconds = statement_seconds

    def rows(self, statement: str, **parameters: Any) -> list[Row]:
        """Run ``statement`` with its ``:name`` parameters and return its rows by column name."""
        with within(self._statement_seconds):
            values = self._connection.run(statement, **parameters) or []
        names = [column["name"] for column in self._connection.columns or []]
        return [dict(zip(names, row, strict=True)) for row in values]

    def row(self, statement: str, **parameters: Any) -> Row | None:
        """Run ``statement`` and return its first row, or None."""
        rows = self.rows(statement, **parameters)
        return rows[0] if rows else None


class Database:
    """Runs work in transactions, and reconnects when the connection has died meanwhile.

    ``settings`` may rotate: each connection is opened with the password of its time. A
    statement may take ``statement_seconds``.
    """

    def __init__(
        self,
        settings: DatabaseSettings | Rotating[DatabaseSettings],
        statement_seconds: float = _STATEMENT_SECONDS,
    ) -> None:
        self._settings = settings
        self._statement_seconds = statement_seconds
        self._begin, self._begin_to_write = (
            begin.format(abandoned_seconds=_ABANDONED_SECONDS, statement_seconds=statement_seconds)
            for begin in (_BEGIN, _BEGIN_TO_WRITE)
        )
        self._connection: pg8000.native.Connection | None = None
        self._used_at = 0.0
        self._breaker = Breaker(_PAUSE_SECONDS)

    def run(self, work: Callable[[Transaction], Result]) -> Result:
        """Run ``work`` in a transaction, commit, and return its result.

        ``work`` takes effect once: where the reply to COMMIT is lost, the server is asked what
        became of the transaction. When it was undone because a connection that was open before
        turned out dead, or because it gave way to another transaction, it runs once more. Raises
        ``DatabaseUnavailable``, also when nobody can tell whether it was committed.
        """
        return self._run(work, self._begin_to_write)

    def read(self, work: Callable[[Transaction], Result]) -> Result:
        """Run ``work``, which changes nothing, as ``run`` does; here a repeat does no harm."""
        return self._run(work, self._begin)

    def close(self) -> None:
        """Close the connection; the next work opens another one."""
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
            logger.warning("PostgreSQL prefers other transactions", **failure)
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

    def _was_committed(self, identity: _Identity) -> bool:
        """Find out on a new connection whether a transaction, which is over, was committed.

        Raises ``DatabaseUnavailable`` when nobody can tell.
        """
        ends_at = time.monotonic() + _OUTCOME_SECONDS
        try:
            while (outcome := self._outcome_of(identity)) == "in progress":
                if time.monotonic() > ends_at:
                    break
                time.sleep(allowance(_OUTCOME_PAUSE_SECONDS))
        except _Lost as error:
            self._note(error, 0.0)
            raise DatabaseUnavailable("the database does not answer") from error.__cause__
        if outcome not in ("committed", "aborted"):
            raise DatabaseUnavailable("it is not known whether the database has committed")
        return outcome == "committed"

    def _outcome_of(self, identity: _Identity) -> str | None:
        try:
            return self._ask_for_outcome(identity)
        except _Lost:
            return self._ask_for_outcome(identity)

    def _ask_for_outcome(self, identity: _Identity) -> str | None:
        try:
            connection = self._connection = self._connection or self._connect()
            with within(_STATEMENT_SECONDS):
                # A simple query is a transaction of its own, whatever pooler stands in between.
                ((outcome,),) = connection.run(_SELECT_OUTCOME.format(**asdict(identity)))
        except (pg8000.native.DatabaseError, *_WIRE_ERRORS) as error:
            operation = "query" if self._connection else "connect"
            self.close()
            raise _Lost(operation) from error
        except BaseException:
            self.close()
            raise
        return str(outcome) if outcome else None

    def _attempt(self, work: Callable[[Transaction], Result], begin: str) -> Result:
        try:
            connection = self._connection = self._connection or self._connect()
            with within(self._patience()):
                identities = connection.run(begin)
            identity = _Identity(int(identities[0][0]), identities[0][1]) if identities else None
            result = work(Transaction(connection, self._statement_seconds))
            self._commit(connection, result, identity)
            self._used_at = time.time()
        except pg8000.native.DatabaseError as error:
            self._recover(error)
            raise
        except StreamingError:
            self._roll_back()
            raise
        except _WIRE_ERRORS as error:
            operation = "query" if self._connection else "connect"
            self.close()
            raise _Lost(operation) from error
        except BaseException:
            self.close()
            raise
        return result

    def _commit(
        self, connection: pg8000.native.Connection, result: Any, identity: _Identity | None
    ) -> None:
        try:
            with within(_STATEMENT_SECONDS):
                connection.run("COMMIT")
        except (pg8000.native.DatabaseError, *_WIRE_ERRORS) as error:
            if isinstance(error, pg8000.native.DatabaseError) and not _is_lost(error):
                raise
            self.close()
            raise _CommitUnanswered(result, identity) from error

    def _note(self, error: _Lost, seconds: float) -> None:
        failure = emit_dependency_failure("postgresql", error.operation, error)
        logger.warning("PostgreSQL does not answer", **failure)
        is_silent = failure["kind"] == "timeout" and error.operation == "connect"
        if is_silent and seconds >= _FIRST_STATEMENT_SECONDS:
            self._breaker.record_failure()

    def _patience(self) -> float:
        """Return for how many seconds to wait for a transaction to begin."""
        # The wall's clock, because another may stand still while an environment is frozen.
        is_idle = self._used_at and time.time() - self._used_at > _IDLE_SECONDS
        return _FIRST_STATEMENT_SECONDS if is_idle else _BEGIN_SECONDS

    def _connect(self) -> pg8000.native.Connection:
        if isinstance(self._settings, DatabaseSettings):
            return connect(self._settings.url)
        try:
            return connect(self._settings.current().url)
        except SecretUnavailable as error:
            raise DatabaseUnavailable("the database's password cannot be read") from error
        except pg8000.native.DatabaseError as error:
            if not sql_state(error).startswith(_LOGIN_IS_REFUSED):
                raise
            fresh = self._settings.renewed()
            if fresh is None:
                raise
            return connect(fresh.url)

    def _recover(self, error: pg8000.native.DatabaseError) -> None:
        state = sql_state(error)
        if self._connection is None or _is_lost(error):
            operation = "query" if self._connection else "connect"
            self.close()
            raise _Lost(operation) from error
        self._roll_back()
        if state.startswith(_GAVE_WAY):
            raise _GaveWay from error
        if state.startswith(_SERVER_IS_BUSY):
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
        except (pg8000.native.DatabaseError, *_WIRE_ERRORS):
            self.close()


def _is_lost(error: pg8000.native.DatabaseError) -> bool:
    """Tell whether the server has ended the connection, or is one that it must not lead to."""
    # With FATAL and PANIC the server closes the connection, whatever the state says.
    return severity(error) in ("FATAL", "PANIC") or sql_state(error).startswith(_CONNECTION_IS_LOST)
