"""Positions in Redis that are never older than those in PostgreSQL for long.

A position that is kept here is found at once, or every environment asks PostgreSQL from at most
five seconds later on. docs/decisions/0006 has the proof.
"""

from dataclasses import dataclass
from uuid import UUID

from aws_lambda_powertools.logging import Logger

from streaming.cache.progress import ProgressCache
from streaming.domain.progress import SavedProgress
from streaming.repository.cache_trust import CacheTrustRecord
from streaming.resilience.cache_trust import LEASE_SECONDS, CacheServer, CacheTrust, Instant

logger = Logger(child=True)


@dataclass(frozen=True, slots=True)
class CachedPosition:
    """A position in Redis, and whether it may answer for PostgreSQL."""

    progress: SavedProgress
    is_trusted: bool


class CachedPositions:
    """Reads and writes the cached positions according to ``trust``."""

    def __init__(
        self, progress_cache: ProgressCache, trust: CacheTrust, record: CacheTrustRecord
    ) -> None:
        self._progress_cache = progress_cache
        self._trust = trust
        self._record = record
        self._reconnected_at: Instant | None = None

    def find_trusted(self, user_id: UUID, movie_id: UUID) -> CachedPosition | None:
        """Return the cached position, if any; None also when none would be trusted."""
        if not self._trust.is_fresh:
            return None
        answer = self._progress_cache.find_with_server(user_id, movie_id)
        if answer is None:
            return None
        progress, server = answer
        if server.name and not self._trust.includes(server):
            self._reconnect()
        if progress is None:
            return None
        return CachedPosition(progress, self._trust.holds(server, progress.recorded_at))

    def find(self, user_id: UUID, movie_id: UUID) -> SavedProgress | None:
        """Return the cached position, which may be outdated, or None."""
        return self._progress_cache.find(user_id, movie_id)

    def offer(self, progress: SavedProgress) -> None:
        """Cache what PostgreSQL has returned to a look-up, if Redis answers."""
        self._progress_cache.keep(progress)

    def keep(self, progress: SavedProgress) -> None:
        """Cache what is committed, before it is acknowledged.

        If no environment could find it in Redis, distrust what they find there. Raises
        ``DatabaseUnavailable`` if that fails, too; a repeat of the request tries again.
        """
        server = self._progress_cache.keep(progress)
        if self._is_settled(server):
            return
        if server is not None:
            self._progress_cache.reconnect()
            server = self._progress_cache.keep(progress)
            if self._is_settled(server):
                return
        if server is not None:
            logger.warning("another server of Redis is used from now on", server=server.name)
        self._record.distrust(server)

    def _reconnect(self) -> None:
        """Connect again: the server may have been replaced by another one.

        It may also be one that nobody has written to yet, so not every look-up does this.
        """
        now = self._trust.now()
        if self._reconnected_at is None or self._reconnected_at.until(now) >= LEASE_SECONDS:
            self._reconnected_at = now
            self._progress_cache.reconnect()

    def _is_settled(self, server: CacheServer | None) -> bool:
        """Return whether an environment that asks ``server`` finds what was written there."""
        is_written = server is not None and self._trust.includes(server)
        return is_written or self._trust.covers_present
