"""Limits the bytes and the processor time for all manifests of one film together.

Limits for single manifests do not limit a film: a short playlist can refer to hundreds of long
playlists, or to one of them with hundreds of queries. The bytes of the copies, with signed URLs,
count as well as those of the manifests. Time is a limit of its own, because a few bytes can be a
line, or an attribute.
"""

import time
from threading import Lock

from streaming.manifests.errors import ManifestTooLarge

MAX_FILM_BYTES = 96 * 1024 * 1024
"""Three times the signed size of a three-hour film, two-second segments in nine renditions."""


MAX_FILM_SECONDS = 8.0
"""Processor time, less than a start may compute."""


class FilmBudget:
    """Counts the bytes of one film, and the processor time since its creation. Thread-safe."""

    def __init__(
        self, largest: int = MAX_FILM_BYTES, longest_seconds: float = MAX_FILM_SECONDS
    ) -> None:
        self._ends_at = time.process_time() + longest_seconds
        self._longest_seconds = longest_seconds
        self._left = largest
        self._largest = largest
        self._lock = Lock()

    def check(self) -> None:
        """Raise ``ManifestTooLarge`` if a limit has been exceeded."""
        self.spend(0)

    def spend(self, count: int) -> None:
        """Count bytes. Raises ``ManifestTooLarge`` if a limit is exceeded, or was before."""
        if time.process_time() > self._ends_at:
            raise ManifestTooLarge(f"the film needs more than {self._longest_seconds:g} s to read")
        with self._lock:
            self._left -= count
            if self._left < 0:
                raise ManifestTooLarge(f"the film needs more than {self._largest} bytes of copies")
