"""Limits on the size of one MPD and of its signed copy.

A few bytes of XML can describe a billion segments. Therefore the limits apply to the output, and
the output is counted before it is generated.
"""

from streaming.manifests.errors import ManifestTooLarge

MAX_BYTES = 16 * 1024 * 1024
MAX_ELEMENTS = 300_000
MAX_DEPTH = 64
MAX_START_TAG_BYTES = 64 * 1024
MAX_URL_LENGTH = 4096
"""In characters. A key has at most 1,024 bytes, each up to three characters if percent-encoded."""
MAX_REPRESENTATIONS = 10_000
MAX_SEGMENTS = 100_000
"""Twice the segments of a three-hour film in nine renditions with two-second segments."""
MAX_WRITTEN_BYTES = 64 * 1024 * 1024
"""The output of all representations, inherited and expanded parts included, before signing."""


class Budget:
    """Counts the output of all representations of one manifest."""

    def __init__(self) -> None:
        self._segments = MAX_SEGMENTS
        self._bytes = MAX_WRITTEN_BYTES
        self._representations = MAX_REPRESENTATIONS

    def spend_representation(self) -> None:
        """Count a representation; raises ``ManifestTooLarge`` if there are too many."""
        self._representations -= 1
        if self._representations < 0:
            message = f"the manifest has more than {MAX_REPRESENTATIONS} representations"
            raise ManifestTooLarge(message)

    def spend_segments(self, count: int, length: int = 0) -> None:
        """Count segments with URLs of ``length`` characters; raises ``ManifestTooLarge``."""
        self._segments -= count
        if self._segments < 0:
            raise ManifestTooLarge(f"the manifest has more than {MAX_SEGMENTS} segments")
        self.spend_bytes(count * length)

    def spend_bytes(self, count: int) -> None:
        """Count bytes of output; raises ``ManifestTooLarge`` if there are too many."""
        self._bytes -= count
        if self._bytes < 0:
            raise ManifestTooLarge(f"the manifest grows by more than {MAX_WRITTEN_BYTES} bytes")


def check_url_length(url: str) -> str:
    """Return ``url``; raises ``ManifestTooLarge`` if it is longer than that of any key."""
    if len(url) > MAX_URL_LENGTH:
        raise ManifestTooLarge(f"a URL is longer than {MAX_URL_LENGTH} characters")
    return url
