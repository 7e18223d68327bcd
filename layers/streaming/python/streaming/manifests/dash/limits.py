"""How much one MPD may ask of us.

A few bytes of XML can describe a billion segments, so what is counted is what a manifest makes us
write, and it is counted before it is written.
"""

from streaming.manifests.errors import ManifestTooLarge

MAX_BYTES = 16 * 1024 * 1024
MAX_ELEMENTS = 300_000
MAX_DEPTH = 64
MAX_START_TAG_BYTES = 64 * 1024
MAX_URL_LENGTH = 4096
"""A key has at most 1,024 bytes; percent-encoded they are three times as many characters."""
MAX_REPRESENTATIONS = 10_000
MAX_SEGMENTS = 100_000
"""Twice a three-hour film of two-second segments in nine renditions."""
MAX_WRITTEN_BYTES = 64 * 1024 * 1024
"""What representations may inherit and expand, before any URL is signed."""


class Budget:
    """Counts what all representations of one manifest make us write."""

    def __init__(self) -> None:
        self._segments = MAX_SEGMENTS
        self._bytes = MAX_WRITTEN_BYTES
        self._representations = MAX_REPRESENTATIONS

    def spend_representation(self) -> None:
        """Count a representation; raises ``ManifestTooLarge`` when there are too many."""
        self._representations -= 1
        if self._representations < 0:
            message = f"the manifest has more than {MAX_REPRESENTATIONS} representations"
            raise ManifestTooLarge(message)

    def spend_segments(self, count: int, length: int = 0) -> None:
        """Count segments whose URLs have ``length`` characters; raises ``ManifestTooLarge``."""
        self._segments -= count
        if self._segments < 0:
            raise ManifestTooLarge(f"the manifest has more than {MAX_SEGMENTS} segments")
        self.spend_bytes(count * length)

    def spend_bytes(self, count: int) -> None:
        """Count bytes to be written; raises ``ManifestTooLarge`` when they are too many."""
        self._bytes -= count
        if self._bytes < 0:
            raise ManifestTooLarge(f"the manifest grows by more than {MAX_WRITTEN_BYTES} bytes")


def check_url_length(url: str) -> str:
    """Return ``url``; raises ``ManifestTooLarge`` when no key can be that long."""
    if len(url) > MAX_URL_LENGTH:
        raise ManifestTooLarge(f"a URL is longer than {MAX_URL_LENGTH} characters")
    return url
