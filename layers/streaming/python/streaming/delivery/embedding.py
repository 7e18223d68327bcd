"""Decides which copies are embedded in others as ``data:`` URLs, and how long these become.

Players append a query to the URLs of HLS interstitials and steering manifests, which a signature
does not allow (docs/decisions/0012-what-a-signature-cannot-cover.md).
"""

from collections.abc import Mapping

from streaming.manifests.manifest import Manifest
from streaming.manifests.references import Reference

MAX_EMBEDDED_LENGTH = 256 * 1024
"""The maximum length of a ``data:`` URL: ten minutes of two-second segments."""
# An asset list in a playlist, and an asset in the list.
_DEEPEST = 2
_HEADER_LENGTH = 50


class Embedding:
    """The embedded copies of a film, whose manifests are given by path and query."""

    def __init__(self, manifests: Mapping[tuple[str, str], Manifest]) -> None:
        self._manifests = manifests
        self._known: dict[tuple[str, str, int], int | None] = {}

    def length(self, reference: Reference, depth: int = 0) -> int | None:
        """Return the approximate length of the ``data:`` URL, None if the copy is not embedded.

        ``depth`` is the number of copies in which the one with the reference is itself embedded.
        """
        key = (reference.path, reference.query, depth)
        if not reference.is_inline or depth >= _DEEPEST:
            return None
        if key not in self._known:
            self._known[key] = self._length(reference, depth)
        return self._known[key]

    def is_too_long(self, reference: Reference) -> bool:
        """Return whether a playlist cannot embed the existing copy."""
        is_found = (reference.path, reference.query) in self._manifests
        return reference.is_inline and is_found and self.length(reference) is None

    def added_bytes(self, manifest: Manifest, depth: int = 0) -> int:
        """Return the bytes that embedded copies add to a rendered manifest."""
        return sum(
            count * (self.length(reference, depth) or 0)
            for reference, count in manifest.embedded.items()
        )

    def _length(self, reference: Reference, depth: int) -> int | None:
        manifest = self._manifests.get((reference.path, reference.query))
        if manifest is None:
            return None
        body = manifest.rendered_bytes + self.added_bytes(manifest, depth + 1)
        length = _HEADER_LENGTH + 4 * (body + 2) // 3  # in base64
        return length if length <= MAX_EMBEDDED_LENGTH else None
