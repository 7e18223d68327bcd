"""Finds and removes saved positions."""

from datetime import datetime
from uuid import UUID

from streaming.domain.errors import DatabaseUnavailable, ProgressNotFound
from streaming.domain.progress import SavedProgress
from streaming.repository.progress import ProgressRecord
from streaming.resilience.deadline import within
from streaming.usecases.cached_positions import CachedPositions

# Leaves time in the request to read Redis afterwards.
_RECORD_SECONDS = 1.5


class FindProgress:
    """Finds the position in one film: in Redis, or in PostgreSQL if Redis cannot answer for it.

    If PostgreSQL does not answer, what Redis has is returned, which may be outdated.
    """

    def __init__(self, record: ProgressRecord, positions: CachedPositions) -> None:
        self._record = record
        self._positions = positions

    def __call__(self, user_id: UUID, movie_id: UUID) -> SavedProgress:
        """Return the progress. Raises ``ProgressNotFound`` and ``DatabaseUnavailable``."""
        cached = self._positions.find_trusted(user_id, movie_id)
        if cached is not None and cached.is_trusted:
            progress: SavedProgress | None = cached.progress
        else:
            progress = self._find_recorded(user_id, movie_id, cached.progress if cached else None)
        if progress is None or progress.is_removed:
            raise ProgressNotFound("the user has never watched the film, or has removed it")
        return progress

    def _find_recorded(
        self, user_id: UUID, movie_id: UUID, cached: SavedProgress | None
    ) -> SavedProgress | None:
        try:
            with within(_RECORD_SECONDS):
                progress = self._record.find(user_id, movie_id)
        except DatabaseUnavailable:
            progress = cached or self._positions.find(user_id, movie_id)
            if progress is None:
                raise
            return progress
        if progress is not None:
            # Replaces a position from before an outage.
            self._positions.offer(progress)
        return progress


class FindFilmsToContinue:
    """Finds the films that a user has started and never completed.

    A film is started from ``min_seconds`` or ``min_share`` of its duration on, whichever is less.
    """

    def __init__(self, record: ProgressRecord, min_seconds: int, min_share: float) -> None:
        self._record = record
        self._min_seconds = min_seconds
        self._min_share = min_share

    def __call__(self, user_id: UUID, limit: int) -> list[SavedProgress]:
        """Return at most ``limit`` films, newest first. Raises ``DatabaseUnavailable``."""
        return self._record.find_to_continue(user_id, limit, self._min_seconds, self._min_share)


class RemoveProgress:
    """Removes a film from those that a user may continue."""

    def __init__(self, record: ProgressRecord, positions: CachedPositions) -> None:
        self._record = record
        self._positions = positions

    def __call__(self, user_id: UUID, movie_id: UUID, now: datetime) -> None:
        """Remove the position, if there is one. Raises ``DatabaseUnavailable``."""
        removed = self._record.remove(user_id, movie_id, now)
        if removed is not None:
            self._positions.keep(removed)
