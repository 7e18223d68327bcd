"""A parsed playlist, which renders its signed copies."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from streaming.manifests.references import Nested, Reference, UrlFor, signed_length


@dataclass(frozen=True, slots=True)
class HlsManifest:
    """A playlist of a film; see ``streaming.manifests.manifest.Manifest``.

    ``pieces`` is the playlist in order: text, and indexes into ``objects`` in place of URLs.
    ``is_empty`` means that it has neither segments nor variants.
    """

    pieces: tuple[str | int, ...]
    objects: tuple[Reference, ...]
    nested: tuple[Nested, ...]
    duration_seconds: float | None
    left_out: tuple[str, ...] = ()
    is_empty: bool = False

    @property
    def embedded(self) -> Mapping[Reference, int]:
        """The references with ``is_inline``, and how often each occurs."""
        inline = {index for index, each in enumerate(self.objects) if each.is_inline}
        if not inline:
            return {}
        found = (piece for piece in self.pieces if isinstance(piece, int) and piece in inline)
        return Counter(self.objects[index] for index in found)

    @property
    def rendered_bytes(self) -> int:
        """The approximate size of the signed playlist in bytes."""
        lengths = [signed_length(reference) for reference in self.objects]
        return sum(
            lengths[piece] if isinstance(piece, int) else len(piece) for piece in self.pieces
        )

    def render(self, url_for: UrlFor) -> bytes:
        """Return the playlist with every reference to the film replaced by its URL."""
        urls = [url_for(reference) for reference in self.objects]
        return "".join(
            [urls[piece] if isinstance(piece, int) else piece for piece in self.pieces]
        ).encode()
