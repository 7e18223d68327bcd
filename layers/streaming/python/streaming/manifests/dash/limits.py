"""How much one MPD may ask of us.

A few bytes of XML can describe a billion segments, so what is counted is what a manifest makes us
write, and it is counted before it is written.
"""

from streaming.manifests.errors import ManifestTooLarge

MAX_BYTES = 16 * 1024 * 1024
MAX_ELEMENTS = 300_000
MAX_DEPTH = 64
MAX_SEGMENTS = 100_000
"""Twice a three-hour film of two-second segments in nine renditions."""


class SegmentBudget:
    """Counts the segments of all representations of one manifest."""

    def __init__(self, limit: int = MAX_SEGMENTS) -> None:
        self._limit = limit
        self._left = limit

    def spend(self, count: int) -> None:
        """Take ``count`` segments; raises ``ManifestTooLarge`` when that is more than are left."""
        if count > self._left:
            raise ManifestTooLarge(f"the manifest has more than {self._limit} segments")
        self._left -= count
