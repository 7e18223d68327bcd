"""How much all manifests of one film together may make us read and write.

Caps on one manifest do not bound a film: a short playlist can lead to hundreds of long ones, or to
one of them under hundreds of queries. What is counted is what comes out, URLs signed.
"""

from threading import Lock

from streaming.manifests.errors import ManifestTooLarge

MAX_FILM_BYTES = 96 * 1024 * 1024
"""Three times a three-hour film of two-second segments in nine renditions, every URL signed."""


class FilmBudget:
    """Counts the bytes of one film; threads may share it."""

    def __init__(self, largest: int = MAX_FILM_BYTES) -> None:
        self._left = largest
        self._largest = largest
        self._lock = Lock()

    def check(self) -> None:
        """Raise ``ManifestTooLarge`` when nothing is left."""
        self.spend(0)

    def spend(self, count: int) -> None:
        """Count bytes; raises ``ManifestTooLarge`` when they are too many, and ever after."""
        with self._lock:
            self._left -= count
            if self._left < 0:
                raise ManifestTooLarge(f"the film needs more than {self._largest} bytes of copies")
