"""The connection to PostgreSQL: one an execution environment, always in explicit transactions.

pg8000's connections do not survive a surprise: after an error that the server did not report, an
unread answer may be left on the wire, and the next query would get another user's rows. So such a
connection is closed, never rolled back and reused.
"""

import socket
import struct
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import pg8000.native
from aws_lambda_powertools.logging import Logger

from streaming.bounded_socket import bounded
from streaming.breaker import Breaker
from streaming.database_tls import ssl_context
from streaming.deadline import DeadlineExceeded, allowance, within
from streaming.errors import DatabaseUnavailable, StreamingError
from streaming.metrics import dependency_failure
from streaming.secrets import Rotating, SecretUnavailable
from streaming.settings import ConfigurationError, DatabaseSettings

logger = Logger(child=True)

_CONNECT_SECONDS = 1.0
_STATEMENT_SECONDS = 1.0
_CLOSE_SECONDS = 0.1
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
        self._begin = _BEGIN.format(
            abandoned_seconds=_ABANDONED_SECONDS, statement_seconds=statement_seconds
        )
        self._connection: pg8000.native.Connection | None = None
        self._used_at = 0.0
        self._breaker = Breaker(_PAUSE_SECONDS)

    def run(self, work: Callable[[Transaction], Result]) -> Result:
        """Run ``work`` in a transaction, commit, and return its result.

        ``work`` must be idempotent: when a connection that was open before turns out dead, it runs
        once more on a new one; when it had to give way to another transaction, it runs once more.
        Raises ``DatabaseUnavailable``.
        """
        if self._breaker.is_open:
            raise DatabaseUnavailable("the database did not answer a moment ago")
        was_connected = self._connection is not None
        began = time.monotonic()
        try:
            allowance(_STATEMENT_SECONDS)
            try:
                return self._run_once(work)
            except _GaveWay:
                return self._run_once(work)
            except _Lost:
                if not was_connected:
                    raise
                return self._run_once(work)
        except DeadlineExceeded as error:
            raise DatabaseUnavailable("there is no time left for the database") from error
        except _GaveWay as error:
            failure = dependency_failure("postgresql", "query", error)
            logger.warning("PostgreSQL prefers other transactions", **failure)
            raise DatabaseUnavailable("the database is overloaded") from error.__cause__
        except _Lost as error:
            self._note(error, time.monotonic() - began)
            raise DatabaseUnavailable("the database does not answer") from error.__cause__

    def close(self) -> None:
        """Close the connection; the next work opens another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            _close_quietly(connection)

    def _run_once(self, work: Callable[[Transaction], Result]) -> Result:
        try:
            connection = self._connection = self._connection or self._connect()
            with within(self._patience()):
                connection.run(self._begin)
            result = work(Transaction(connection, self._statement_seconds))
            with within(_STATEMENT_SECONDS):
                connection.run("COMMIT")
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

    def _note(self, error: _Lost, seconds: float) -> None:
        failure = dependency_failure("postgresql", error.operation, error)
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
            return _connect(self._settings.url)
        try:
            return _connect(self._settings.current().url)
        except SecretUnavailable as error:
            raise DatabaseUnavailable("the database's password cannot be read") from error
        except pg8000.native.DatabaseError as error:
            if not _sql_state(error).startswith(_LOGIN_IS_REFUSED):
                raise
            fresh = self._settings.renewed()
            if fresh is None:
                raise
            return _connect(fresh.url)

    def _recover(self, error: pg8000.native.DatabaseError) -> None:
        state = _sql_state(error)
        if self._connection is None or state.startswith(_CONNECTION_IS_LOST):
            operation = "query" if self._connection else "connect"
            self.close()
            raise _Lost(operation) from error
        self._roll_back()
        if state.startswith(_GAVE_WAY):
            raise _GaveWay from error
        if state.startswith(_SERVER_IS_BUSY):
            logger.warning(
                "PostgreSQL is overloaded", **dependency_failure("postgresql", "query", error)
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


def _connect(url: str) -> pg8000.native.Connection:
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname:
        raise ConfigurationError("DATABASE_URL is not postgresql://user:password@host:port/name")
    host, port = parts.hostname, parts.port or 5432
    with within(_CONNECT_SECONDS):
        wire = bounded(socket.create_connection((host, port), allowance(_CONNECT_SECONDS)))
        try:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return pg8000.native.Connection(
                user=unquote(parts.username or ""),
                password=unquote(parts.password or ""),
                host=host,
                database=unquote(parts.path.lstrip("/")),
                ssl_context=ssl_context(parts.query),
                sock=wire,
                application_name="streaming",
            )
        except BaseException:
            wire.close()
            raise


def _sql_state(error: pg8000.native.DatabaseError) -> str:
    details = error.args[0] if error.args else {}
    return str(details.get("C", "")) if isinstance(details, dict) else ""


def _close_quietly(connection: pg8000.native.Connection) -> None:
    try:
        with within(_CLOSE_SECONDS):
            connection.close()
    except (pg8000.native.InterfaceError, OSError, struct.error):
        # The wire is dead already, which is why it is being closed.
        return
