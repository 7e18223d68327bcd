"""What a parsed manifest of either format can tell and do.

Delivery reads a manifest once, takes the duration from it to decide how long the URLs inside must
live, and only then has them signed. So parsing and rendering are two steps over one object.
"""

from typing import Protocol

from streaming.manifests.references import Nested, UrlFor


class Manifest(Protocol):
    """A manifest of a film, parsed and checked, whose in-film references can be replaced."""

    @property
    def nested(self) -> tuple[Nested, ...]:
        """The manifests that this one refers to, each once, in the order of appearance."""
        ...

    @property
    def duration_seconds(self) -> float | None:
        """The media's duration in seconds, or None when this manifest does not tell it."""
        ...

    @property
    def rendered_bytes(self) -> int:
        """About how many bytes ``render`` returns, when each URL has a signature of its own."""
        ...

    def render(self, url_for: UrlFor) -> bytes:
        """Return the manifest with every in-film reference replaced by its URL.

        ``url_for`` is called once per distinct object, however often the manifest refers to it.
        Its answer is ASCII and percent-encoded; a reference's fragment is put back by the
        renderer, so the URL carries none.
        """
        ...
