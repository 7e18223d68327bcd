"""Interprets the errors that PostgreSQL reports, by their fields.

https://www.postgresql.org/docs/current/protocol-error-fields.html
"""

import pg8000.native

# Shutdown (57P0x), a server that is read-only since a failover (25006), connection errors (08xxx).
_CONNECTION_IS_LOST = ("57P01", "57P02", "57P03", "25006", "08")
_LOGIN_IS_REFUSED = "28"
# Too few resources (53xxx), a cancelled statement, a lock that is not available.
_SERVER_IS_BUSY = ("53", "57014", "55P03")
# Deadlocks and serialization failures.
_TRANSACTION_GAVE_WAY = "40"
# A prepared statement is unknown, or exists already.
_SESSION_IS_SHARED = ("26000", "42P05")
# The columns of a prepared statement have other types since a migration.
_PLAN_IS_OUTDATED = "0A000"


def sql_state(error: pg8000.native.DatabaseError) -> str:
    """Return the SQLSTATE of the error, or an empty text."""
    return _field(error, "C")


def message(error: pg8000.native.DatabaseError) -> str:
    """Return the primary message, without the details, which quote rows."""
    return _field(error, "M")


def means_lost_connection(error: pg8000.native.DatabaseError) -> bool:
    """Return whether the connection is closed, or its server cannot be used."""
    # With FATAL and PANIC the server closes the connection.
    return _severity(error) in ("FATAL", "PANIC") or _is_in(error, _CONNECTION_IS_LOST)


def means_refused_login(error: pg8000.native.DatabaseError) -> bool:
    """Return whether the server does not accept the user or the password."""
    return _is_in(error, _LOGIN_IS_REFUSED)


def means_busy_server(error: pg8000.native.DatabaseError) -> bool:
    """Return whether the server lacks the resources or the time for the statement."""
    return _is_in(error, _SERVER_IS_BUSY)


def means_transaction_gave_way(error: pg8000.native.DatabaseError) -> bool:
    """Return whether the server rolled the transaction back in favour of another one."""
    return _is_in(error, _TRANSACTION_GAVE_WAY)


def means_shared_session(error: pg8000.native.DatabaseError) -> bool:
    """Return whether the session has other prepared statements than this client has made."""
    return _is_in(error, _SESSION_IS_SHARED)


def means_outdated_plan(error: pg8000.native.DatabaseError) -> bool:
    """Return whether the plan of a prepared statement does not fit the tables any more."""
    return _is_in(error, _PLAN_IS_OUTDATED)


def _is_in(error: pg8000.native.DatabaseError, states: str | tuple[str, ...]) -> bool:
    return sql_state(error).startswith(states)


def _severity(error: pg8000.native.DatabaseError) -> str:
    """Return the severity, such as ``ERROR`` or ``FATAL``, or an empty text."""
    return _field(error, "V")


def _field(error: pg8000.native.DatabaseError, name: str) -> str:
    details = error.args[0] if error.args else {}
    return str(details.get(name, "")) if isinstance(details, dict) else ""
