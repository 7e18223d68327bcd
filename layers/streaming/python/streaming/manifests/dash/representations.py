"""Rewriting of one representation: the URL of its file and its segment information."""

from dataclasses import dataclass

from streaming.manifests.dash import segment_lists, segment_templates
from streaming.manifests.dash.base_urls import Base
from streaming.manifests.dash.document import Document, Element
from streaming.manifests.dash.markup import fill, replace_text
from streaming.manifests.dash.segment_info import KINDS, Information
from streaming.manifests.dash.segments import Rewritten, Scope
from streaming.manifests.dash.splices import Edits, Piece
from streaming.manifests.references import Reference

_AFTER_BASE = ("ExtendedBandwidth", "SubRepresentation", *KINDS)


@dataclass(frozen=True, slots=True)
class Representation:
    """A representation, its base, and its segment information before and after rewriting.

    ``file`` is the media file that its base names, or None if that is not in the film.
    """

    element: Element
    base: Base
    information: Information | None
    rewritten: Rewritten | None
    file: Reference | None

    @property
    def is_inherited(self) -> bool:
        """Whether any of the segment information comes from an outer level."""
        levels = () if self.information is None else self.information.levels
        return any(level not in self.element.children for level in levels)

    @property
    def is_signed(self) -> bool:
        """Whether the segment information refers to objects of the film.

        This includes a list of byte ranges of a file of the film. Such a list contains no URL to
        replace, but players require the other changes of ``segment_lists``.
        """
        if self.rewritten is None or self.information is None:
            return False
        is_list_of_ranges = self.information.kind == "SegmentList" and self.file is not None
        return self.rewritten.is_in_film or is_list_of_ranges

    @property
    def end(self) -> int | None:
        """The end of the last segment, in nanoseconds from the period's start, None if unknown."""
        return None if self.rewritten is None else self.rewritten.end


def rewritten(information: Information, scope: Scope) -> Rewritten:
    """Return the segment information with the URLs of the film as references.

    Raises ``ManifestError`` if it cannot be signed.
    """
    is_template = information.kind == "SegmentTemplate"
    form = segment_templates.rewrite if is_template else segment_lists.rewrite
    after = form(information, scope)
    scope.budget.spend_bytes(sum(len(piece) for piece in after.pieces if isinstance(piece, bytes)))
    return after


def write(
    document: Document, edits: Edits, representation: Representation, *, with_information: bool
) -> None:
    """Add the edits of a representation: the URL of its file and its own segment information."""
    element, base = representation.element, representation.base.element
    additions: list[Piece] = []
    if representation.file is not None and base is not None and base in element.all("BaseURL"):
        replace_text(document, edits, base, representation.file)
    elif representation.file is not None:
        name = document.prefix(element) + b"BaseURL"
        url: list[Piece] = [b"<" + name + b">", representation.file, b"</" + name + b">"]
        following = element.all(*_AFTER_BASE)
        if following:
            edits.replace(following[0].start, following[0].start, url)
        else:
            additions += url
    if with_information and representation.rewritten is not None:
        additions += place(document, edits, element, representation.rewritten.pieces)
    if additions:
        fill(document, edits, element, additions, element.content_end, element.content_end)


def place(document: Document, edits: Edits, parent: Element, pieces: list[Piece]) -> list[Piece]:
    """Replace the parent's own segment information; return ``pieces`` if it has none."""
    own = parent.all(*KINDS)
    if not own:
        return pieces
    edits.replace(own[0].start, own[0].end, pieces)
    for superfluous in own[1:]:
        edits.remove(document.source, superfluous.start, superfluous.end)
    return []
