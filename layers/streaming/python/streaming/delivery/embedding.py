"""Decides which copies are embedded in others as ``data:`` URLs, and how long these become.

Players append a query to the URLs of HLS interstitials and steering manifests, which a signature
does not allow (docs/decisions/0012-what-a-signature-cannot-cover.md).
"""

from collections.abc import Mapping
from typing import NamedTuple

from streaming.manifests.manifest import Manifest
from streaming.manifests.references import Reference, signed_length

MAX_EMBEDDED_LENGTH = 256 * 1024
"""The maximum length of a ``data:`` URL: ten minutes of two-second segments."""
_ONE_VARIANT = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\n{}\n"
"""A playlist with one variant: players append no query to its URL. The bandwidth is required."""
# An asset list in a playlist, and an asset in the list.
_DEEPEST = 2
_HEADER_LENGTH = 50


class Embedded(NamedTuple):
    """An embedded copy: the approximate length of its ``data:`` URL.

    If it is not ``is_whole``, the URL contains ``one_variant`` instead of the copy.
    """

    length: int
    is_whole: bool


class Embedding:
    """The embedded copies of a film, whose manifests are given by path and query."""

    def __init__(self, manifests: Mapping[tuple[str, str], Manifest]) -> None:
        self._manifests = manifests
        self._known: dict[tuple[str, str, int], Embedded | None] = {}

    def find(self, reference: Reference, depth: int = 0) -> Embedded | None:
        """Return how the copy is embedded, None if it is not.

        A media playlist that is too long is the variant of a short one. ``depth`` is the number of
        copies in which the one with the reference is itself embedded.
        """
        key = (reference.path, reference.query, depth)
        if not reference.is_inline or depth >= _DEEPEST:
            return None
        if key not in self._known:
            self._known[key] = self._find(reference, depth)
        return self._known[key]

    def is_too_long(self, reference: Reference) -> bool:
        """Return whether a playlist cannot embed the existing copy."""
        is_found = (reference.path, reference.query) in self._manifests
        return reference.is_inline and is_found and self.find(reference) is None

    def added_bytes(self, manifest: Manifest, depth: int = 0) -> int:
        """Return the bytes that embedded copies add to a rendered manifest."""
        found = ((self.find(each, depth), count) for each, count in manifest.embedded.items())
        return sum(count * each.length for each, count in found if each is not None)

    def _find(self, reference: Reference, depth: int) -> Embedded | None:
        manifest = self._manifests.get((reference.path, reference.query))
        if manifest is None:
            return None
        length = _in_base64(manifest.rendered_bytes + self.added_bytes(manifest, depth + 1))
        if length <= MAX_EMBEDDED_LENGTH:
            return Embedded(length, is_whole=True)
        if manifest.duration_seconds is None:
            return None
        return Embedded(_in_base64(len(_ONE_VARIANT) + signed_length(reference)), is_whole=False)


def one_variant(url: str) -> bytes:
    """Return a playlist whose only variant is the one at ``url``."""
    return _ONE_VARIANT.format(url).encode()


def _in_base64(length: int) -> int:
    return _HEADER_LENGTH + 4 * (length + 2) // 3
