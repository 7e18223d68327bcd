"""Limits the bytes that are read and written for all manifests of one film together.

Limits for single manifests do not limit a film: a short playlist can refer to hundreds of long
playlists, or to one of them with hundreds of queries. The bytes of the copies, with signed URLs,
count as well as those of the manifests.
"""

from threading import Lock

from streaming.manifests.errors import ManifestTooLarge

MAX_FILM_BYTES = 96 * 1024 * 1024
"""Three times the signed size of a three-hour film, two-second segments in nine renditions."""


class FilmBudget:
    """Counts the bytes of one film. It is thread-safe."""

    def __init__(self, largest: int = MAX_FILM_BYTES) -> None:
        self._left = largest
        self._largest = largest
        self._lock = Lock()

    def check(self) -> None:
        """Raise ``ManifestTooLarge`` if the limit has been exceeded."""
        self.spend(0)

    def spend(self, count: int) -> None:
        """Count bytes. Raises ``ManifestTooLarge`` if the limit is exceeded, or was before."""
        with self._lock:
            self._left -= count
            if self._left < 0:
                raise ManifestTooLarge(f"the film needs more than {self._largest} bytes of copies")
