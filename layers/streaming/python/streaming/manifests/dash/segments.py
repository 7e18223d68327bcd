"""The input and output of rewriting, common to every kind of segment information."""

from collections.abc import Callable
from dataclasses import dataclass

from streaming.manifests.dash.base_urls import Base
from streaming.manifests.dash.document import Document, Element
from streaming.manifests.dash.limits import Budget
from streaming.manifests.dash.markup import escaped, replace_attribute
from streaming.manifests.dash.numbers import NANOSECONDS, divide_up
from streaming.manifests.dash.segment_info import Information
from streaming.manifests.dash.splices import Edits, Piece
from streaming.manifests.dash.timelines import Bounds, Segment
from streaming.manifests.references import Reference

_URL_ATTRIBUTES = {
    "Initialization": ("sourceURL",),
    "RepresentationIndex": ("sourceURL",),
    "BitstreamSwitching": ("sourceURL",),
    "SegmentURL": ("media", "index"),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """A representation whose segment information is rewritten, and its context.

    ``length`` is its period's duration in nanoseconds, None if the manifest does not state it.
    ``remote`` returns the reference to a remote element (``xlink:href``), and ``is_missing``
    whether the element that has the link refers to an object that does not exist.
    """

    document: Document
    representation: Element
    base: Base
    length: int | None
    budget: Budget
    remote: Callable[[str, Base, int | None], Reference | None]
    is_missing: Callable[[Element, Base], bool]

    def address(self, url: str) -> Piece:
        """Return the reference of ``url``, or the escaped URL if it is foreign.

        Raises ``OutsideFilm`` if it leaves the film.
        """
        return self.base.locate(url) or escaped(url)

    def bounds(self, information: Information, length: int | None = None) -> Bounds:
        """Return the bounds of an open-ended timeline of this representation."""
        last = information.attribute("endNumber")
        end_time = None
        if self.length is not None:
            ticks = divide_up(self.length * information.timescale, NANOSECONDS)
            end_time = ticks + information.integer("presentationTimeOffset", 0)
        end_number = None if last is None else information.integer("endNumber", 0)
        return Bounds(end_time, end_number, length)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Rewritten segment information of a representation.

    ``needs_base`` means that it contains byte ranges of the file that BaseURL names. ``end`` is the
    end of its last segment, in nanoseconds from the period's start, None if unknown.
    """

    pieces: list[Piece]
    needs_base: bool
    end: int | None = None

    @property
    def is_in_film(self) -> bool:
        """Whether it refers to any object of the film."""
        return any(isinstance(piece, Reference) for piece in self.pieces)


def sign_children(scope: Scope, edits: Edits, element: Element) -> None:
    """Replace the URLs of an ``Initialization``, ``SegmentURL`` or similar element in place.

    Raises ``OutsideFilm`` for a URL that leaves the film.
    """
    for name in _URL_ATTRIBUTES.get(element.name, ()):
        url = element.attributes.get(name)
        if url is not None:
            reference = scope.base.locate(url)
            if reference is not None:
                replace_attribute(scope.document, edits, element, name, reference)


def copy(scope: Scope, element: Element) -> list[Piece]:
    """Return the element as written, with its URLs replaced."""
    edits = Edits()
    sign_children(scope, edits, element)
    return edits.splice(scope.document.source, element.start, element.end)


def is_range_of_base(element: Element) -> bool:
    """Return whether the element has no URL and therefore refers to the file of BaseURL."""
    names = _URL_ATTRIBUTES.get(element.name)
    return names is not None and names[0] not in element.attributes


def end_of(information: Information, segments: list[Segment]) -> int | None:
    """Return the end of the last segment in nanoseconds from the period's start, None if empty."""
    if not segments:
        return None
    last = segments[-1]
    ticks = last.time + last.duration - information.integer("presentationTimeOffset", 0)
    return ticks * NANOSECONDS // information.timescale


def timeline_entries(prefix: bytes, segments: list[Segment]) -> bytes:
    """Return one ``S`` per segment, because players look them up by the segment's index."""
    name = prefix.decode("utf-8", "replace")
    return "\n".join(
        f'<{name}S t="{segment.time}" d="{segment.duration}"/>'
        if segment.starts
        else f'<{name}S d="{segment.duration}"/>'
        for segment in segments
    ).encode()
