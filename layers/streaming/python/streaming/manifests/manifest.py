"""The interface of a parsed manifest, common to HLS and DASH.

Parsing and rendering are separate steps, because delivery derives the lifetime of the signed URLs
from the duration of the parsed manifest.
"""

from collections.abc import Mapping
from typing import Protocol

from streaming.manifests.references import Nested, Reference, UrlFor


class Manifest(Protocol):
    """A parsed and validated manifest whose references to the film can be replaced."""

    @property
    def nested(self) -> tuple[Nested, ...]:
        """The manifests that this one refers to, each once, in order of appearance."""
        ...

    @property
    def embedded(self) -> Mapping[Reference, int]:
        """The references with ``is_inline``, and how often each occurs in the rendered manifest."""
        ...

    @property
    def left_out(self) -> tuple[str, ...]:
        """References to manifests that are left out because no object can have their name."""
        ...

    @property
    def duration_seconds(self) -> float | None:
        """The media's duration in seconds, or None if this manifest does not state it."""
        ...

    @property
    def rendered_bytes(self) -> int:
        """The approximate size in bytes of what ``render`` returns if each URL is presigned.

        Embedded copies are not included.
        """
        ...

    def render(self, url_for: UrlFor) -> bytes:
        """Return the manifest with every reference to the film replaced by its URL.

        ``url_for`` is called once per distinct object, however often the manifest refers to it.
        It must return an ASCII, percent-encoded URL without a fragment: ``render`` restores the
        fragment of the reference.
        """
        ...
