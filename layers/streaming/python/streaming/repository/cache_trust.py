"""The row that says which entries of Redis may answer for PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from streaming.domain.errors import DatabaseUnavailable
from streaming.repository.database import Database
from streaming.repository.pipeline_connection import Row, Statement
from streaming.resilience.cache_trust import (
    LEASE_SECONDS,
    CacheServer,
    CacheTrust,
    RecordedTrust,
    servers_with,
)

# After a restart the database may be a restored backup, of which Redis has newer versions.
_SELECT = """
    SELECT
        servers,
        greatest(trusted_from, pg_postmaster_start_time()) AS trusted_from,
        clock_timestamp() AS read_at
    FROM (VALUES (1)) AS always_a_row
    LEFT JOIN cache_trust ON true
"""

# Changes nothing for as long as the former change applies to what is committed now.
_DISTRUST = """
    INSERT INTO cache_trust AS known (servers, trusted_from)
    VALUES (
        coalesce(CAST(:servers AS text[]), '{}'),
        clock_timestamp() + make_interval(secs => CAST(:seconds AS float8))
    )
    ON CONFLICT (id) DO UPDATE
    SET servers = coalesce(CAST(:servers AS text[]), known.servers),
        trusted_from = excluded.trusted_from
    WHERE known.trusted_from <= clock_timestamp()
        AND (
            CAST(:servers AS text[]) IS NULL
            OR known.servers = CAST(:known_servers AS text[])
        )
"""

# Another environment may have changed the servers since they were read.
_MOST_ATTEMPTS = 3


class CacheTrustRecord:
    """Changes the row, and tells ``trust`` what it is then."""

    def __init__(self, database: Database, trust: CacheTrust) -> None:
        self._database = database
        self._trust = trust

    def distrust(self, server: CacheServer | None = None) -> None:
        """Let no environment use entries of what is committed by now, from 5 s from now on.

        With ``server`` they use that server afterwards. Does not write if entries are distrusted
        already. Raises ``DatabaseUnavailable``.
        """
        for _ in range(_MOST_ATTEMPTS):
            known = list(self._trust.servers)
            servers = servers_with(known, server) if server and server.name else None
            asked_at = self._trust.now()
            values = {"servers": servers, "known_servers": known, "seconds": LEASE_SECONDS}
            _, (row,) = self._database.pipeline(
                Statement(_DISTRUST, values), Statement(_SELECT, {})
            )
            # Not before the commit, without which no other environment reads the same.
            self._trust.learn(_recorded(**row), asked_at)
            if self._trust.covers_present:
                return
        raise DatabaseUnavailable("other requests change the servers of Redis meanwhile")


class CacheTrustRider:
    """Renews what ``trust`` knows along with other transactions."""

    def __init__(self, trust: CacheTrust) -> None:
        self._trust = trust
        self._asked_at = trust.now()

    def query(self) -> str | None:
        """Return the query if ``trust`` should be renewed."""
        if not self._trust.is_due:
            return None
        self._asked_at = self._trust.now()
        return _SELECT

    def take(self, row: Row) -> None:
        """Use the row that the query has returned."""
        self._trust.learn(_recorded(**row), self._asked_at)


def _recorded(
    servers: Sequence[str] | None, trusted_from: datetime, read_at: datetime
) -> RecordedTrust | None:
    # The table has one row, unless somebody has deleted it.
    return None if servers is None else RecordedTrust(servers, trusted_from, read_at)
