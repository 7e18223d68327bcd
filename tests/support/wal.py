"""What transactions write to PostgreSQL's write-ahead log, read from the log itself.

Images of whole pages, which the first change of a page after a checkpoint writes, and what the
server writes on its own do not count.
"""

from dataclasses import dataclass
from typing import Any, Self

from local.servers.postgres import Postgres

_POSITION = "SELECT CAST(pg_current_wal_insert_lsn() AS text)"

# A commit is flushed before it is answered, so the flushed log contains all of a call.
_FLUSHED = """
    SELECT CAST(lsn AS text)
    FROM pg_current_wal_flush_lsn() AS lsn
    WHERE lsn > CAST(:since AS pg_lsn)
"""

# A record begins at a multiple of 8 bytes. Only records of transactions have a number of one.
_WRITTEN = """
    SELECT
        coalesce(sum((record_length - fpi_length + 7) / 8 * 8), 0) AS written,
        count(*) FILTER (WHERE resource_manager = 'Heap' AND record_type LIKE 'HOT_UPDATE%'),
        count(*) FILTER (WHERE resource_manager = 'Heap' AND record_type LIKE 'UPDATE%')
    FROM pg_get_wal_records_info(CAST(:since AS pg_lsn), CAST(:until AS pg_lsn))
    WHERE CAST(CAST(xid AS text) AS bigint) <> 0
"""


@dataclass(frozen=True, slots=True)
class Written:
    """The bytes of transactions, and their updates: with and without new entries in indexes."""

    written_bytes: int
    hot_updates: int
    other_updates: int

    @property
    def hot_share(self) -> float:
        """The share of updates that wrote no new entries in indexes."""
        return self.hot_updates / (self.hot_updates + self.other_updates)


class WriteAheadLog:
    """Reads the log of ``server`` as its administrator. A context manager."""

    def __init__(self, server: Postgres) -> None:
        self._server = server

    def __enter__(self) -> Self:
        """Connect."""
        self._connection = self._server.connect_as_administrator()
        self._run("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self._connection.close()

    def position(self) -> str:
        """Return the end of the log."""
        return str(self._run(_POSITION)[0][0])

    def since(self, position: str) -> Written:
        """Return what transactions have written since the log ended at ``position``."""
        flushed = self._run(_FLUSHED, since=position)
        if not flushed:
            return Written(0, 0, 0)
        written, hot, other = self._run(_WRITTEN, since=position, until=flushed[0][0])[0]
        return Written(int(written), int(hot), int(other))

    def _run(self, statement: str, **parameters: Any) -> list[list[Any]]:
        rows: list[list[Any]] = self._connection.run(statement, **parameters) or []
        return rows
