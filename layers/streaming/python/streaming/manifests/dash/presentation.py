"""Traverses an MPD from its root to every representation and collects the edits that sign it."""

from collections.abc import Iterable, Sequence

from streaming.manifests.dash.base_urls import Base
from streaming.manifests.dash.document import Document, Element
from streaming.manifests.dash.limits import Budget
from streaming.manifests.dash.links import Links
from streaming.manifests.dash.markup import attribute_pieces, escaped, replace_attribute
from streaming.manifests.dash.numbers import NANOSECONDS, duration_text
from streaming.manifests.dash.periods import (
    PRESENTATION_DURATION,
    Period,
    presentation_length,
    timed,
)
from streaming.manifests.dash.representations import Representation, place, rewritten, write
from streaming.manifests.dash.segment_info import KINDS, Information, elements_at
from streaming.manifests.dash.segments import Scope
from streaming.manifests.dash.splices import Edits
from streaming.manifests.errors import NotAManifest
from streaming.manifests.references import Reference


class Presentation:
    """The rewriting of an MPD or a remote element: ``edits``, ``links.nested`` and a duration.

    ``home`` is the base of its references, ``path`` is its own key below the film's prefix, and
    ``missing`` are the manifests that do not exist or cannot be signed, each a path and a query.
    """

    def __init__(
        self, document: Document, path: str, home: Base, missing: frozenset[tuple[str, str]]
    ) -> None:
        self.edits = Edits()
        self.links = Links(document, self.edits, path, home, missing)
        self._document = document
        self._path = path
        self._home = home
        self._budget = Budget()
        self._length: int | None = None
        self._removed = 0
        # The elements that get a time, and its attribute, by their position.
        self._stated: dict[int, tuple[Element, str]] = {}

    @property
    def duration_seconds(self) -> float | None:
        """The duration of the media in seconds, or None if the manifest does not state it."""
        return None if self._length is None else self._length / NANOSECONDS

    def rewrite(self) -> None:
        """Collect every edit; raises ``ManifestError`` if the manifest cannot be signed."""
        mpd = self._document.root
        base = self._enter(mpd, self._home)
        self.links.rewrite_below(mpd, base)
        self._keep_times(mpd, base)
        ends: list[int] = []
        for period in self._periods(mpd, base):
            length = self._period(period, base)
            if period.start is not None and length is not None:
                ends.append(period.start + length)
        self._write_times()
        if self._removed and self._removed == len(mpd.all("Period")):
            raise NotAManifest("no period is left")
        self._length = presentation_length(mpd)
        if self._length is None and ends:
            self._length = max(ends)

    def rewrite_remote(self, length: int | None) -> None:
        """Collect the edits of a remote element entity: periods, adaptation sets, a segment list.

        ``length`` is the duration in nanoseconds of the period into which players insert it, None
        if unknown. Raises ``ManifestError`` if the entity cannot be signed.
        """
        entity = self._document.root
        for period in self._periods(entity, self._home):
            self._period(period._replace(length=period.length or length), self._home)
        self._period(Period(entity, None, length), self._home)
        information = Information.of([elements_at(entity)])
        if information is not None:
            pieces = rewritten(information, self._scope(entity, self._home, length)).pieces
            place(self._document, self.edits, entity, pieces)

    def _keep_times(self, mpd: Element, base: Base) -> None:
        """Keep what the removed periods state about the times of the others.

        The start of a removed period ends the one before it. The presentation is shorter by the
        periods that are missing; a slot that resolves to zero was not part of it.
        """
        elements = mpd.all("Period")
        absent = [self.links.is_absent(each, base) for each in elements]
        if not any(absent):
            return
        length = self._length_without_missing(mpd, base)
        following, name = mpd, PRESENTATION_DURATION
        for index in range(len(elements) - 1, -1, -1):
            if not absent[index]:
                following, name = elements[index], "start"
                continue
            start = elements[index].attributes.get("start")
            ends_another = index > 0 and not absent[index - 1]
            is_needed = ends_another and "duration" not in elements[index - 1].attributes
            if start and is_needed and name not in following.attributes:
                self._state_time(following, name, start)
        if length is not None:
            self._state_time(mpd, PRESENTATION_DURATION, duration_text(length))

    def _length_without_missing(self, mpd: Element, base: Base) -> int | None:
        """Return the presentation's length without missing periods, None if unknown or the same.

        A missing period before one that states its start is a gap.
        """
        stated = presentation_length(mpd)
        if stated is None:
            return None
        length = stated
        elements = [each for each in mpd.all("Period") if not each.is_empty_slot]
        for period in reversed(timed(mpd, elements)):
            if self.links.is_absent(period.element, base):
                length -= period.length or 0
            elif "start" in period.element.attributes:
                break
        return length if 0 < length < stated else None

    def _state_time(self, element: Element, name: str, value: str) -> None:
        element.attributes[name] = value
        self._stated[element.start] = (element, name)

    def _write_times(self) -> None:
        for element, name in self._stated.values():
            value = escaped(element.attributes[name])
            if name in self._document.attribute_spans(element):
                replace_attribute(self._document, self.edits, element, name, value)
            else:
                position = element.start + 1 + len(self._document.tag_name(element))
                self.edits.replace(position, position, [b" ", *attribute_pieces(name, value)])

    def _periods(self, parent: Element, base: Base) -> list[Period]:
        """Return the periods that are left, with their times."""
        elements = parent.all("Period")
        left = [each for each in elements if not self.links.is_absent(each, base)]
        self._removed += len(elements) - len(left)
        return timed(parent, left)

    def _remove(self, element: Element) -> None:
        self.edits.remove(self._document.source, element.start, element.end)

    def _enter(self, level: Element, parent: Base, keep: Element | None = None) -> Base:
        """Return the level's base, and remove its BaseURL elements unless they are foreign.

        They are unused afterwards, because every reference below them becomes absolute.
        """
        for base in parent.alternatives(level):
            if base.element is not None and base.element is not keep and not base.is_foreign:
                self._remove(base.element)
        return parent.below(level)

    def _period(self, period: Period, parent: Base) -> int | None:
        """Rewrite a period and return its length, from its segments if it is not stated."""
        element, length = period.element, period.length
        if element.xlink_href is None:
            return self._period_content(period, parent)
        mark = self.edits.mark()
        try:
            self.links.rewrite_level(element, parent, length)
            return self._period_content(period, parent)
        except NotAManifest:
            self.edits.forget_since(mark)
            if self.links.is_missing(element, parent):
                self._remove(element)
                self._stated.pop(element.start, None)
                self._removed += 1
                return None
            # Players replace the content by the remote period, so the film plays without it.
            self.links.rewrite_level(element, parent, length)
            self.edits.replace(element.content_start, element.content_end, [])
            return length

    def _period_content(self, period: Period, parent: Base) -> int | None:
        element, length = period.element, period.length
        base = self._enter(element, parent)
        self.links.rewrite_below(element, base)
        representations = []
        above = elements_at(element)
        inheritable = element.all(*KINDS)
        for adaptation_set in element.all("AdaptationSet", "EmptyAdaptationSet"):
            if self.links.is_absent(adaptation_set, base):
                continue
            set_base = self._enter(adaptation_set, base)
            self.links.rewrite_level(adaptation_set, base, length)
            self.links.rewrite_below(adaptation_set, set_base)
            outer = (elements_at(adaptation_set), above)
            inheritable += adaptation_set.all(*KINDS)
            for representation in adaptation_set.all("Representation"):
                if self.links.is_absent(representation, set_base):
                    continue
                after = self._representation(representation, outer, set_base, length)
                representations.append(after)
        self._write(representations, inheritable)
        if length is None:
            length = max((r.end for r in representations if r.end is not None), default=None)
        return length

    def _representation(
        self,
        element: Element,
        outer: tuple[Sequence[Element], ...],
        parent: Base,
        length: int | None,
    ) -> Representation:
        self._budget.spend_representation()
        base = parent.below(element)
        information = Information.of((elements_at(element), *outer))
        after = None
        if information is not None:
            after = rewritten(information, self._scope(element, base, length))
        file = self._file(base) if after is None or after.needs_base else None
        self._enter(element, parent, keep=None if file is None else base.element)
        self.links.rewrite_below(element, base)
        return Representation(element, base, information, after, file)

    def _scope(self, representation: Element, base: Base, length: int | None) -> Scope:
        document = self._document
        links = self.links
        return Scope(
            document, representation, base, length, self._budget, links.remote, links.is_missing
        )

    def _file(self, base: Base) -> Reference | None:
        """Return the media file that the base names, or None if it names none of the film."""
        reference = base.locate("")
        return None if reference is None or reference.path in ("", self._path) else reference

    def _write(self, representations: list[Representation], inheritable: Iterable[Element]) -> None:
        """Write the segment information of a period's representations.

        If one signed representation inherits segment information, the inherited elements are
        removed and every representation that inherits gets its own copy.
        """
        moves = any(r.is_inherited and r.is_signed for r in representations)
        if moves:
            for element in inheritable:
                self._remove(element)
        for representation in representations:
            is_written = moves if representation.is_inherited else representation.is_signed
            write(self._document, self.edits, representation, with_information=is_written)
