"""What an error that PostgreSQL reports means, by its fields.

https://www.postgresql.org/docs/current/protocol-error-fields.html
"""

import pg8000.native

# Shutdown (57P0x), a failover that left a read-only server behind it (25006), broken protocol state
# (08xxx): the server means the connection.
_CONNECTION_IS_LOST = ("57P01", "57P02", "57P03", "25006", "08")
_LOGIN_IS_REFUSED = "28"
# Too many connections (53300) and other resources, a cancelled statement, a lock that is not free.
_SERVER_IS_BUSY = ("53", "57014", "55P03")
# Deadlocks and serialization failures.
_TRANSACTION_GAVE_WAY = "40"


def sql_state(error: pg8000.native.DatabaseError) -> str:
    """Return the SQLSTATE that the server has sent, or nothing."""
    return _field(error, "C")


def message(error: pg8000.native.DatabaseError) -> str:
    """Return what the server says in a sentence, without the details, which quote rows."""
    return _field(error, "M")


def means_lost_connection(error: pg8000.native.DatabaseError) -> bool:
    """Tell whether the server has ended the connection, or is one that it must not lead to."""
    # With FATAL and PANIC the server closes the connection, whatever the state says.
    return _severity(error) in ("FATAL", "PANIC") or _is_in(error, _CONNECTION_IS_LOST)


def means_refused_login(error: pg8000.native.DatabaseError) -> bool:
    """Tell whether the server does not accept the user or the password."""
    return _is_in(error, _LOGIN_IS_REFUSED)


def means_busy_server(error: pg8000.native.DatabaseError) -> bool:
    """Tell whether the server has no resources or no time for the statement now."""
    return _is_in(error, _SERVER_IS_BUSY)


def means_transaction_gave_way(error: pg8000.native.DatabaseError) -> bool:
    """Tell whether the transaction was undone in favour of another one."""
    return _is_in(error, _TRANSACTION_GAVE_WAY)


def _is_in(error: pg8000.native.DatabaseError, states: str | tuple[str, ...]) -> bool:
    return sql_state(error).startswith(states)


def _severity(error: pg8000.native.DatabaseError) -> str:
    """Return how severe the server says it is, such as ``ERROR`` or ``FATAL``, or nothing."""
    return _field(error, "V")


def _field(error: pg8000.native.DatabaseError, name: str) -> str:
    details = error.args[0] if error.args else {}
    return str(details.get(name, "")) if isinstance(details, dict) else ""
