"""The segment information of a representation, collected from every level it inherits from."""

from collections.abc import Sequence
from dataclasses import dataclass

from streaming.manifests.dash.document import Element
from streaming.manifests.dash.numbers import parse_integer
from streaming.manifests.errors import NotAManifest

KINDS = ("SegmentTemplate", "SegmentList", "SegmentBase")


def elements_at(level: Element) -> tuple[Element, ...]:
    """Return the segment information of a level, one element per kind, in order of precedence."""
    found = [element for element in level.all(*KINDS) if not element.is_empty_slot]
    first = {element.name: element for element in reversed(found)}
    return tuple(first[kind] for kind in KINDS if kind in first)


@dataclass(frozen=True, slots=True)
class Information:
    """Segment information of one kind and its elements, innermost first."""

    kind: str
    levels: tuple[Element, ...]

    @classmethod
    def of(cls, levels: Sequence[Sequence[Element]]) -> "Information | None":
        """Collect it from the results of ``elements_at`` for each level, innermost first.

        The innermost level that has segment information determines the kind; elements of other
        kinds at outer levels do not apply. None if no level has any.
        """
        kinds = (element.name for level in levels for element in level)
        kind = next(kinds, None)
        if kind is None:
            return None
        return cls(kind, tuple(e for level in levels for e in level if e.name == kind))

    def attribute(self, name: str) -> str | None:
        """Return the attribute's value at the innermost level that has it, or None."""
        for element in self.levels:
            if name in element.attributes:
                return element.attributes[name]
        return None

    def integer(self, name: str, default: int) -> int:
        """Return the integer attribute ``name``, or ``default`` if no level has it.

        Raises ``NotAManifest`` if its value is not an integer.
        """
        text = self.attribute(name)
        return default if text is None else parse_integer(name, text)

    @property
    def timescale(self) -> int:
        """The number of time units per second. Raises ``NotAManifest`` unless it is positive."""
        timescale = self.integer("timescale", 1)
        if timescale <= 0:
            raise NotAManifest("@timescale is not positive")
        return timescale

    def children(self, name: str) -> list[Element]:
        """Return the children with that name at the innermost level that has any."""
        return next(filter(None, (element.all(name) for element in self.levels)), [])

    def inherited_children(self) -> list[Element]:
        """Return the children of outer levels whose name does not occur at an inner level."""
        seen = {child.name for child in self.levels[0].children}
        inherited = []
        for element in self.levels[1:]:
            inherited += [child for child in element.children if child.name not in seen]
            seen |= {child.name for child in element.children}
        return inherited
