"""Finds out what became of a transaction when the reply to its COMMIT is lost.

PostgreSQL remembers it, so nobody has to guess:
https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import pg8000.native

from streaming.resilience.deadline import allowance

# After a crash a server may use ids again that it had not written down.
SELECT_IDENTITY = """
    SELECT CAST(pg_current_xact_id() AS text),
        CAST(1000000 * extract(epoch FROM pg_postmaster_start_time()) AS bigint)
"""
"""What identifies the transaction that runs it, for ``TransactionIdentity.of``."""

_SELECT_OUTCOME = """
    SELECT CASE
        WHEN {server_started_at:d}
            = CAST(1000000 * extract(epoch FROM pg_postmaster_start_time()) AS bigint)
        THEN pg_xact_status('{transaction_id:d}')
    END
"""

# The server may not be done with the commit yet, or not have noticed that the connection is gone.
_LONGEST_SECONDS = 0.5
_PAUSE_SECONDS = 0.02

Outcome = Literal["in progress", "committed", "aborted"]


@dataclass(frozen=True, slots=True)
class TransactionIdentity:
    """Which transaction, of which run of the server: by the microsecond in which it started."""

    transaction_id: int
    server_started_at: int

    @classmethod
    def of(cls, row: Any) -> Self:
        """Read a row of ``SELECT_IDENTITY``."""
        transaction_id, server_started_at = row
        return cls(int(transaction_id), server_started_at)


def outcome_of(
    connection: pg8000.native.Connection, identity: TransactionIdentity
) -> Outcome | None:
    """Ask the server what became of a transaction; None when it does not know.

    Raises what pg8000 and sockets raise.
    """
    # A simple query is a transaction of its own, whatever pooler stands in between.
    ((outcome,),) = connection.run(_SELECT_OUTCOME.format(**asdict(identity)))
    return outcome or None


def final_outcome(ask: Callable[[], Outcome | None]) -> Outcome | None:
    """Return what ``ask`` answers once the transaction is over, or its last answer after 0.5 s.

    Raises ``DeadlineExceeded`` and what ``ask`` raises.
    """
    ends_at = time.monotonic() + _LONGEST_SECONDS
    while (outcome := ask()) == "in progress" and time.monotonic() <= ends_at:
        time.sleep(allowance(_PAUSE_SECONDS))
    return outcome
