"""Saved progress in Redis, under the key ``progress:{user_id}:{movie_id}``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from streaming.cache import keys
from streaming.cache.client import Cache
from streaming.domain import clock
from streaming.domain.progress import ReportOrder, SavedProgress
from streaming.resilience.cache_trust import CacheServer

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
        found = self.find_with_server(user_id, movie_id)
        return found[0] if found else None

    def find_with_server(
        self, user_id: UUID, movie_id: UUID
    ) -> tuple[SavedProgress | None, CacheServer] | None:
        """Return the cached record, if any, with its server; None when Redis does not answer."""
        answer = self._cache.get_with_server(keys.progress(user_id, movie_id))
        if answer is None:
            return None
        value, server = answer
        return (_from_value(user_id, movie_id, value) if value else None), server

    def keep(self, progress: SavedProgress) -> CacheServer | None:
        """Cache ``progress`` unless a newer version is cached.

        Returns the server, which then has this version or a newer one; None when Redis does not
        answer.
        """
        return self._cache.set_if_newer(
            keys.progress(progress.user_id, progress.movie_id),
            _to_value(progress),
            self._ttl_seconds,
        )

    def reconnect(self) -> None:
        """Close the connections: the address may lead to another server meanwhile."""
        self._cache.reconnect()

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
        "film_duration_seconds": progress.film_duration_seconds,
        "recorded_at": clock.iso(progress.recorded_at) if progress.recorded_at else None,
    }


def _from_value(user_id: UUID, movie_id: UUID, value: dict[str, Any]) -> SavedProgress | None:
    try:
        session_id = value["session_id"]
        return SavedProgress(
            user_id=user_id,
            movie_id=movie_id,
            position_seconds=int(value["position_seconds"]),
            last_watched_at=clock.parse_iso(value["last_watched_at"]),
            duration_seconds=value["duration_seconds"],
            completed=bool(value["completed"]),
            order=ReportOrder(UUID(session_id), int(value["sequence"])) if session_id else None,
            version=int(value["version"]),
            # Former versions write none of these.
            completed_at=_time(value.get("completed_at")),
            times_completed=int(value.get("times_completed", 0)),
            is_removed=bool(value.get("is_removed", False)),
            film_duration_seconds=value.get("film_duration_seconds"),
            recorded_at=_time(value.get("recorded_at")),
        )
    except (KeyError, TypeError, ValueError):
        # Another version of the service wrote it. PostgreSQL has the record.
        return None


def _time(text: str | None) -> datetime | None:
    return clock.parse_iso(text) if text else None
