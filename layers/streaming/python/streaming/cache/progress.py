"""Saved progress in Redis, under the key ``progress:{user_id}:{movie_id}``."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from streaming.cache import keys
from streaming.cache.client import Cache
from streaming.domain import clock
from streaming.domain.progress import ReportOrder, SavedProgress

# Stands for no record, and is newer than any.
_GREATEST_VERSION = {"version": (1 << 53) - 1}
# Longer than any request.
_FORGETTING_SECONDS = 60


class ProgressCache:
    """Keeps the newest version of each record. Raises only what ``Cache`` does."""

    def __init__(self, cache: Cache, ttl_seconds: int) -> None:
        self._cache = cache
        self._ttl_seconds = ttl_seconds

    def find(self, user_id: UUID, movie_id: UUID) -> SavedProgress | None:
        """Return the cached record, or None."""
        value = self._cache.get(keys.progress(user_id, movie_id))
        if value is None:
            return None
        try:
            return _from_value(user_id, movie_id, value)
        except (KeyError, TypeError, ValueError):
            # Another version of the service wrote it. PostgreSQL has the record.
            return None

    def keep(self, progress: SavedProgress) -> None:
        """Cache ``progress`` unless a newer version is cached."""
        self._cache.set_if_newer(
            keys.progress(progress.user_id, progress.movie_id),
            _to_value(progress),
            self._ttl_seconds,
        )

    def forget(self, user_id: UUID, movie_ids: Sequence[UUID]) -> bool:
        """Delete the user's records of these films; return whether Redis answered.

        For a minute they cannot be cached again, because running requests may still hold them.
        """
        return all(
            self._cache.set(
                keys.progress(user_id, movie_id), _GREATEST_VERSION, _FORGETTING_SECONDS
            )
            for movie_id in movie_ids
        )


def _to_value(progress: SavedProgress) -> dict[str, Any]:
    order = progress.order
    return {
        "user_id": str(progress.user_id),
        "movie_id": str(progress.movie_id),
        "position_seconds": progress.position_seconds,
        "last_watched_at": clock.iso(progress.last_watched_at),
        "duration_seconds": progress.duration_seconds,
        "completed": progress.completed,
        "session_id": str(order.session_id) if order else None,
        "sequence": order.sequence if order else None,
        "version": progress.version,
        "completed_at": clock.iso(progress.completed_at) if progress.completed_at else None,
        "times_completed": progress.times_completed,
        "is_removed": progress.is_removed,
    }


def _from_value(user_id: UUID, movie_id: UUID, value: dict[str, Any]) -> SavedProgress:
    session_id = value["session_id"]
    # The former version writes none of these.
    completed_at = value.get("completed_at")
    return SavedProgress(
        user_id=user_id,
        movie_id=movie_id,
        position_seconds=int(value["position_seconds"]),
        last_watched_at=clock.parse_iso(value["last_watched_at"]),
        duration_seconds=value["duration_seconds"],
        completed=bool(value["completed"]),
        order=ReportOrder(UUID(session_id), int(value["sequence"])) if session_id else None,
        version=int(value["version"]),
        completed_at=clock.parse_iso(completed_at) if completed_at else None,
        times_completed=int(value.get("times_completed", 0)),
        is_removed=bool(value.get("is_removed", False)),
    )
