"""What a representation says about its segments, gathered from every level it inherits from."""

from collections.abc import Sequence
from dataclasses import dataclass

from streaming.manifests.dash.document import Element
from streaming.manifests.dash.numbers import parse_integer
from streaming.manifests.errors import NotAManifest

KINDS = ("SegmentTemplate", "SegmentList", "SegmentBase")


def elements_at(level: Element) -> tuple[Element, ...]:
    """Return the segment information of a level, one element a kind, the decisive one first."""
    found = level.all(*KINDS)
    first = {element.name: element for element in reversed(found)}
    return tuple(first[kind] for kind in KINDS if kind in first)


@dataclass(frozen=True, slots=True)
class Information:
    """One kind of segment information and the elements that make it up, innermost first."""

    kind: str
    levels: tuple[Element, ...]

    @classmethod
    def of(cls, levels: Sequence[Sequence[Element]]) -> "Information | None":
        """Gather it from what ``elements_at`` says of each level, innermost first.

        The innermost level that has any decides the kind; elements of other kinds above it say
        nothing about this representation.
        """
        kinds = (element.name for level in levels for element in level)
        kind = next(kinds, None)
        if kind is None:
            return None
        return cls(kind, tuple(e for level in levels for e in level if e.name == kind))

    def attribute(self, name: str) -> str | None:
        """Return the attribute's value at the innermost level that has it."""
        for element in self.levels:
            if name in element.attributes:
                return element.attributes[name]
        return None

    def integer(self, name: str, default: int) -> int:
        """Return the integer attribute ``name``, or ``default`` when no level has it."""
        text = self.attribute(name)
        return default if text is None else parse_integer(name, text)

    @property
    def timescale(self) -> int:
        """The units of time in a second."""
        timescale = self.integer("timescale", 1)
        if timescale <= 0:
            raise NotAManifest("@timescale is not positive")
        return timescale

    def children(self, name: str) -> list[Element]:
        """Return the children of that name at the innermost level that has any."""
        return next(filter(None, (element.all(name) for element in self.levels)), [])

    def inherited_children(self) -> list[Element]:
        """Return the children of outer levels whose like no inner level has."""
        seen = {child.name for child in self.levels[0].children}
        inherited = []
        for element in self.levels[1:]:
            inherited += [child for child in element.children if child.name not in seen]
            seen |= {child.name for child in element.children}
        return inherited
