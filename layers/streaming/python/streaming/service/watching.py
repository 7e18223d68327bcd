"""Looking up where a viewer stopped."""

from uuid import UUID

from streaming.answers import ContinueWatching, WatchProgress
from streaming.deadline import within
from streaming.errors import DatabaseUnavailable, ProgressNotFound
from streaming.progress import SavedProgress
from streaming.progress_cache import ProgressCache
from streaming.repository import Repository

# There must be time to ask Redis then.
_RECORD_SECONDS = 1.5


class FindProgress:
    """Finds the position in one film: on record, or in Redis while PostgreSQL does not answer.

    Redis cannot be asked first: it may have come back with positions from before an outage, in
    which newer ones were acknowledged.
    """

    def __init__(self, repository: Repository, progress_cache: ProgressCache) -> None:
        self._repository = repository
        self._progress_cache = progress_cache

    def __call__(self, user_id: UUID, movie_id: UUID) -> WatchProgress:
        """Return the progress. Raises ``ProgressNotFound`` and ``DatabaseUnavailable``."""
        try:
            with within(_RECORD_SECONDS):
                progress = self._repository.find_progress(user_id, movie_id)
        except DatabaseUnavailable:
            cached = self._progress_cache.find(user_id, movie_id)
            if cached is None:
                raise
            return _answer(cached)
        if progress is None:
            raise ProgressNotFound("the user has never watched the film")
        # Heals what an outage has left behind, and is there when PostgreSQL is not.
        self._progress_cache.keep(progress)
        return _answer(progress)


class FindFilmsToContinue:
    """Finds the films that a viewer has begun and not completed."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def __call__(self, user_id: UUID, limit: int) -> ContinueWatching:
        """Return at most ``limit`` films, newest first. Raises ``DatabaseUnavailable``."""
        films = self._repository.find_films_to_continue(user_id, limit)
        return ContinueWatching([_answer(progress) for progress in films])


def _answer(progress: SavedProgress) -> WatchProgress:
    return WatchProgress(
        user_id=progress.user_id,
        movie_id=progress.movie_id,
        position_seconds=progress.position_seconds,
        last_watched_at=progress.last_watched_at,
        duration_seconds=progress.duration_seconds,
        completed=progress.completed,
    )
