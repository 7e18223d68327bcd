"""The row that says which entries of Redis may answer for PostgreSQL, in memory."""

from dataclasses import replace
from datetime import timedelta

from streaming.repository.cache_trust import CacheTrustRecord
from streaming.resilience.cache_trust import (
    LEASE_SECONDS,
    CacheServer,
    CacheTrust,
    servers_with,
)
from tests.fakes.record import MemoryRecord


class MemoryCacheTrustRecord(CacheTrustRecord):
    """The row of a ``MemoryRecord``, which ``trust`` reads in each transaction when it is due."""

    def __init__(self, record: MemoryRecord, trust: CacheTrust) -> None:
        self._record = record
        self._trust = trust

        def learn_if_due() -> None:
            if trust.is_due:
                self._learn()

        record.learn = learn_if_due

    def distrust(self, server: CacheServer | None = None) -> None:
        """Let no environment use entries of what is committed by now, from 5 s from now on."""
        with self._record.transaction():
            known = self._record.cache_trust
            if known.trusted_from <= self._record.now():
                trusted_from = self._record.now() + timedelta(seconds=LEASE_SECONDS)
                servers = known.servers
                if server and server.name:
                    servers = servers_with(known.servers, server)
                self._record.cache_trust = replace(
                    known, servers=servers, trusted_from=trusted_from
                )
            self._learn()

    def _learn(self) -> None:
        row = replace(self._record.cache_trust, read_at=self._record.now())
        self._trust.learn(row, self._trust.now())
