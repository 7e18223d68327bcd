"""Finds out whether a transaction was committed when the reply to its COMMIT is lost.

PostgreSQL keeps the status of recent transactions:
https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import pg8000.native

from streaming.resilience.deadline import allowance

# After a crash the server may assign an id again, so the id alone does not identify a transaction.
SELECT_IDENTITY = """
    SELECT
        CAST(CAST(pg_current_xact_id() AS text) AS bigint) AS transaction_id,
        CAST(1000000 * extract(epoch FROM pg_postmaster_start_time()) AS bigint)
            AS server_started_at
"""
"""Returns the identity of the current transaction."""

_SELECT_OUTCOME = """
    SELECT CASE
        WHEN {server_started_at:d}
            = CAST(1000000 * extract(epoch FROM pg_postmaster_start_time()) AS bigint)
        THEN pg_xact_status('{transaction_id:d}')
    END
"""

# The server may still be committing, or may not have noticed that the connection is closed.
_LONGEST_SECONDS = 0.5
_PAUSE_SECONDS = 0.02

Outcome = Literal["in progress", "committed", "aborted"]


@dataclass(frozen=True, slots=True)
class TransactionIdentity:
    """The id of a transaction, and when the server started, in microseconds since 1970."""

    transaction_id: int
    server_started_at: int


def outcome_of(
    connection: pg8000.native.Connection, identity: TransactionIdentity
) -> Outcome | None:
    """Return the status of a transaction; None if the server does not have it any more.

    Raises what pg8000 and sockets raise.
    """
    # A simple query is a transaction of its own, also behind a transaction pooler.
    ((outcome,),) = connection.run(_SELECT_OUTCOME.format(**asdict(identity)))
    return outcome or None


def final_outcome(ask: Callable[[], Outcome | None]) -> Outcome | None:
    """Call ``ask`` until the transaction has ended, for at most 0.5 s; return its last answer.

    Raises ``DeadlineExceeded`` and what ``ask`` raises.
    """
    ends_at = time.monotonic() + _LONGEST_SECONDS
    while (outcome := ask()) == "in progress" and time.monotonic() <= ends_at:
        time.sleep(allowance(_PAUSE_SECONDS))
    return outcome
