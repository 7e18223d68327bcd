"""What a representation says about its segments, gathered from every level it inherits from."""

from collections.abc import Sequence
from dataclasses import dataclass

from streaming.manifests.dash.document import Element
from streaming.manifests.dash.values import parse_integer
from streaming.manifests.errors import NotAManifest

KINDS = ("SegmentTemplate", "SegmentList", "SegmentBase")


@dataclass(frozen=True, slots=True)
class Information:
    """One kind of segment information and the elements that make it up, innermost first."""

    kind: str
    levels: tuple[Element, ...]

    @classmethod
    def of(cls, levels: Sequence[Element]) -> "Information | None":
        """Gather it from the representation, its adaptation set and its period, in that order.

        The innermost level that has any decides the kind; elements of other kinds above it say
        nothing about this representation.
        """
        for level in levels:
            for kind in KINDS:
                if level.first(kind) is not None:
                    found = (above.first(kind) for above in levels)
                    return cls(kind, tuple(element for element in found if element is not None))
        return None

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
