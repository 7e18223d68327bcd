"""Remembers which copies are published: in Redis for all, in memory for when Redis is gone."""

import time
from uuid import UUID

from streaming.cache import Cache
from streaming.delivery.window import Window
from streaming.signing import ManifestType

_MOST_REMEMBERED = 1000
_LONGEST_PUBLICATION_SECONDS = 15
_POLL_SECONDS = 0.1


class Marker:
    """The name of one copy: of a film, in a form, for a window, signed by a key for a host."""

    def __init__(
        self, movie_id: UUID, manifest_type: ManifestType, window: Window, signing_id: str
    ) -> None:
        self.key = f"delivery:{movie_id}:{manifest_type}:{window.name}:{signing_id}"
        self.lock_key = f"{self.key}:publishing"
        self.failure_key = f"{self.key}:failed"


class Published:
    """What a marker tells: the film's duration in whole seconds, if it is known."""

    def __init__(self, duration_seconds: int | None) -> None:
        self.duration_seconds = duration_seconds


class Markers:
    """Reads and sets markers."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._remembered: dict[str, Published] = {}

    def find(self, marker: Marker) -> Published | None:
        """Return what is known of the copy, or None: it has to be published."""
        value = self._cache.get(marker.key)
        if value is None:
            return self._remembered.get(marker.key) if self._cache.is_down else None
        duration = value.get("duration_seconds")
        published = Published(duration if isinstance(duration, int) else None)
        self._remember(marker, published)
        return published

    def set(self, marker: Marker, published: Published, ttl_seconds: int) -> None:
        """Tell everybody, for ``ttl_seconds``, that the copy is there."""
        value = {"duration_seconds": published.duration_seconds}
        self._cache.set(marker.key, value, ttl_seconds)
        self._remember(marker, published)

    def delete(self, marker: Marker) -> None:
        """Forget the copy."""
        self._cache.delete(marker.key, marker.failure_key)
        self._remembered.pop(marker.key, None)

    def postpone(self, marker: Marker, seconds: int) -> None:
        """Remember for ``seconds`` that the copy could not be published."""
        self._cache.set(marker.failure_key, {}, seconds)

    def is_postponed(self, marker: Marker) -> bool:
        """Tell whether the copy could not be published a while ago."""
        return self._cache.get(marker.failure_key) is not None

    def claim(self, marker: Marker) -> bool:
        """Claim the publication; False when somebody else is at it. Without Redis all may."""
        if self._cache.add(marker.lock_key, {}, _LONGEST_PUBLICATION_SECONDS):
            return True
        return self._cache.is_down

    def release(self, marker: Marker) -> None:
        """Let others publish again."""
        self._cache.delete(marker.lock_key)

    def await_other(self, marker: Marker, seconds: float) -> Published | None:
        """Wait, at most ``seconds``, until whoever has the claim has published or given up."""
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            time.sleep(_POLL_SECONDS)
            published = self.find(marker)
            if published is not None or self._cache.get(marker.lock_key) is None:
                return published
        return None

    def _remember(self, marker: Marker, published: Published) -> None:
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[marker.key] = published
