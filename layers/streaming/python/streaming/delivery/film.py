"""A film as it is published: its parsed manifests and their duration."""

from collections.abc import Iterable
from dataclasses import dataclass

from streaming.delivery.embedding import Embedding
from streaming.manifests.manifest import Manifest
from streaming.manifests.references import Kind

_LONGEST_FILM_SECONDS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Copy:
    """A manifest of which a signed copy must be made.

    The same ``path`` may occur with several queries, from which it reads variables. ``depth`` is
    its level of nesting, 0 for the first manifest. ``body`` is its source; ``kind`` is how it was
    parsed.
    """

    path: str
    query: str
    manifest: Manifest
    depth: int = 0
    body: bytes = b""
    kind: Kind = Kind.MANIFEST


@dataclass(frozen=True, slots=True)
class Film:
    """The manifests of a film; the first is the one that a player loads first.

    ``embedding`` tells which copies are embedded in others.
    """

    copies: tuple[Copy, ...]
    embedding: Embedding

    @property
    def duration_seconds(self) -> float | None:
        """The duration of the first manifest, or of the longest one that belongs to it.

        Interstitials do not count. None if it is unknown.
        """
        first = self.copies[0].manifest.duration_seconds
        return _plausible(first or _longest(self._without_embedded()))

    @property
    def longest_seconds(self) -> float:
        """The longest duration that a manifest states, 0 if none does.

        A chained MPD may be longer than the first one, and its URLs must last as long.
        """
        return _plausible(_longest(self.copies)) or 0.0

    def _without_embedded(self) -> list[Copy]:
        """Return the copies that the first refers to at any depth, except embedded ones.

        A playlist that JSON refers to, such as a trailer, is no part of the film.
        """
        known = {(copy.path, copy.query): copy for copy in self.copies}
        seen = {
            (reference.path, reference.query)
            for copy in self.copies
            for reference in copy.manifest.embedded
        }
        found = [self.copies[0]]
        for copy in found:
            for nested in copy.manifest.nested if copy.kind is Kind.MANIFEST else ():
                key = (nested.path, nested.query)
                if key in known and key not in seen:
                    seen.add(key)
                    found.append(known[key])
        return found


def _longest(copies: Iterable[Copy]) -> float | None:
    durations = (copy.manifest.duration_seconds for copy in copies)
    return max((duration for duration in durations if duration), default=None)


def _plausible(duration: float | None) -> float | None:
    """Return the duration, None if it does not fit the database's integer."""
    return duration if duration is not None and duration <= _LONGEST_FILM_SECONDS else None
