"""Walks an MPD from its root to every representation and collects the edits that sign it."""

from collections.abc import Iterable
from dataclasses import dataclass

from streaming.manifests.dash import segment_lists, segment_templates
from streaming.manifests.dash.addresses import Base
from streaming.manifests.dash.document import Document, Element
from streaming.manifests.dash.edits import Edits, Piece
from streaming.manifests.dash.information import KINDS, Information
from streaming.manifests.dash.limits import SegmentBudget
from streaming.manifests.dash.markup import fill, replace_attribute, replace_text
from streaming.manifests.dash.periods import Period, presentation_length, timed
from streaming.manifests.dash.segments import Rewritten, Scope
from streaming.manifests.dash.values import NANOSECONDS
from streaming.manifests.references import FilmLocation, Nested, Reference

Variables = tuple[tuple[str, str], ...]

_TEXT_URLS = frozenset({"Location", "PatchLocation", "ContentSteering", "ImportedMPD"})
_ATTRIBUTE_URLS = {
    "InitializationSet": ("initialization", False),
    "ProgramInformation": ("moreInformationURL", False),
    "InsertPresentation": ("url", True),
    "ReplacePresentation": ("url", True),
}
"""Attributes that carry a URL, and whether a manifest lies there."""

TEXT_OF = frozenset({"BaseURL", *_TEXT_URLS})

_AFTER_BASE = ("ExtendedBandwidth", "SubRepresentation", *KINDS)
_WALKED = {"Period", "AdaptationSet", "EmptyAdaptationSet", "Representation", "BaseURL", *KINDS}
_NEVER_SIGNED = "ContentProtection"


@dataclass(frozen=True, slots=True)
class _Plan:
    """A representation, its segment information before and after, and the file of its base."""

    element: Element
    base: Base
    information: Information | None
    rewritten: Rewritten | None
    file: Reference | None

    @property
    def is_inherited(self) -> bool:
        """Tell whether an outer level has a part in the segment information."""
        levels = () if self.information is None else self.information.levels
        return any(level not in self.element.children for level in levels)


class Presentation:
    """An MPD being rewritten; ``edits`` and ``nested`` are the result of ``rewrite``."""

    def __init__(self, document: Document, path: str, film: FilmLocation) -> None:
        self.edits = Edits()
        self.nested: dict[str, Nested] = {}
        self.length: int | None = None
        self._document = document
        self._path = path
        self._budget = SegmentBudget()
        self._home = Base.at(film, film.url_of(path))

    @property
    def duration_seconds(self) -> float | None:
        """The duration of the media in seconds, as far as the manifest tells it."""
        return None if self.length is None else self.length / NANOSECONDS

    def rewrite(self) -> None:
        """Collect every edit; raises ``ManifestError`` when the manifest cannot be signed."""
        mpd = self._document.root
        base = self._enter(mpd, self._home)
        self._others(mpd, base)
        ends: list[int] = []
        for period in timed(mpd):
            length = self._period(period, base)
            if period.start is not None and length is not None:
                ends.append(period.start + length)
        self.length = presentation_length(mpd)
        if self.length is None and ends:
            self.length = max(ends)

    def _enter(self, level: Element, parent: Base, keep: Element | None = None) -> Base:
        """Return the level's base, its BaseURL elements removed unless they are foreign.

        Every reference below is absolute afterwards, so they would only mislead.
        """
        for base in parent.alternatives(level):
            if base.element is not None and base.element is not keep and not base.is_foreign:
                self.edits.remove(self._document.source, base.element.start, base.element.end)
        return parent.below(level)

    def _period(self, period: Period, parent: Base) -> int | None:
        """Rewrite a period and return its length, from its segments when nothing else tells it."""
        base = self._enter(period.element, parent)
        self._link(period.element, parent, self._context(base, period.length))
        self._others(period.element, base)
        plans = []
        sets = period.element.all("AdaptationSet", "EmptyAdaptationSet")
        for adaptation_set in sets:
            set_base = self._enter(adaptation_set, base)
            self._link(adaptation_set, base, self._context(base, period.length))
            self._others(adaptation_set, set_base)
            for representation in adaptation_set.all("Representation"):
                levels = (representation, adaptation_set, period.element)
                plans.append(self._plan(levels, set_base, period.length))
        self._apply(plans, (period.element, *sets))
        ends = [plan.rewritten.end for plan in plans if plan.rewritten is not None]
        known = [end for end in ends if end is not None]
        return max(known, default=None) if period.length is None else period.length

    def _plan(
        self, levels: tuple[Element, Element, Element], parent: Base, length: int | None
    ) -> _Plan:
        representation = levels[0]
        base = parent.below(representation)
        information = Information.of(levels)
        rewritten = None
        if information is not None:
            scope = Scope(self._document, representation, base, length, self._budget, self._remote)
            is_template = information.kind == "SegmentTemplate"
            form = segment_templates if is_template else segment_lists
            rewritten = form.rewrite(information, scope)
        file = self._file(base) if rewritten is None or rewritten.needs_base else None
        self._enter(representation, parent, keep=None if file is None else base.element)
        self._others(representation, base)
        return _Plan(representation, base, information, rewritten, file)

    def _file(self, base: Base) -> Reference | None:
        """Return the media file that the base names, if it is one and in the film."""
        reference = base.locate("")
        if reference is None or reference.path in ("", self._path) or reference.path.endswith("/"):
            return None
        return reference

    def _apply(self, plans: Iterable[_Plan], outer: Iterable[Element]) -> None:
        """Put the segment information in its place.

        As soon as one representation of a period no longer inherits what stands above it, none
        does: all get their own, and what stands above goes.
        """
        plans = list(plans)
        moves = any(p.is_inherited and p.rewritten and p.rewritten.is_in_film for p in plans)
        if moves:
            for level in outer:
                for element in level.all(*KINDS):
                    self.edits.remove(self._document.source, element.start, element.end)
        for plan in plans:
            is_placed = moves if plan.is_inherited else plan.rewritten and plan.rewritten.is_in_film
            self._write(plan, plan.rewritten.pieces if plan.rewritten and is_placed else [])

    def _write(self, plan: _Plan, information: list[Piece]) -> None:
        """Edit a representation: the URL of its file, and its own segment information."""
        document, element, additions = self._document, plan.element, list[Piece]()
        if plan.file is not None and plan.base.element in element.children:
            replace_text(document, self.edits, plan.base.element, plan.file)
        elif plan.file is not None:
            name = document.prefix(element) + b"BaseURL"
            url: list[Piece] = [b"<" + name + b">", plan.file, b"</" + name + b">"]
            following = element.all(*_AFTER_BASE)
            if following:
                self.edits.replace(following[0].start, following[0].start, url)
            else:
                additions += url
        own = element.all(*KINDS)
        if own and information:
            self.edits.replace(own[0].start, own[0].end, information)
        else:
            additions += information
        if additions:
            end = element.content_end
            fill(document, self.edits, element, additions, end, end)

    def _others(self, parent: Element, base: Base) -> None:
        """Rewrite the URLs that stand outside of segment information, at any depth."""
        for element in parent.children:
            if element.name in _WALKED or element.name == _NEVER_SIGNED:
                continue
            self._link(element, base)
            if element.name in _TEXT_URLS:
                self._text_url(element)
            elif element.name in _ATTRIBUTE_URLS:
                name, is_manifest = _ATTRIBUTE_URLS[element.name]
                reference = self._reference(
                    element.attributes.get(name), base, is_manifest=is_manifest
                )
                if reference is not None:
                    replace_attribute(self._document, self.edits, element, name, reference)
            self._others(element, base)

    def _text_url(self, element: Element) -> None:
        reference = self._reference(
            element.text, self._home, is_manifest=element.name == "ImportedMPD"
        )
        if reference is not None and element.name == "Location":
            reference = Reference(self._path, is_manifest=True)  # a place of this very manifest
        if reference is not None:
            replace_text(self._document, self.edits, element, reference)

    def _remote(self, url: str, base: Base) -> Reference | None:
        return self._reference(url, base, is_manifest=True, variables=self._context(base, None))

    @staticmethod
    def _context(base: Base, length: int | None) -> Variables:
        """Return what a remote element cannot know about the place that it is put into."""
        known = () if length is None else (("period_nanoseconds", str(length)),)
        return (("base_url", base.url), *known)

    def _link(self, element: Element, base: Base, variables: Variables | None = None) -> None:
        """Rewrite ``xlink:href``; with ``variables`` the remote element is a manifest's part."""
        link = element.xlink_href
        if link is not None:
            name, url = link
            reference = self._reference(
                url, base, is_manifest=variables is not None, variables=variables or ()
            )
            if reference is not None:
                replace_attribute(self._document, self.edits, element, name, reference)

    def _reference(
        self, url: str | None, base: Base, *, is_manifest: bool, variables: Variables = ()
    ) -> Reference | None:
        located = base.locate(url) if url else None
        if located is None:
            return None
        if is_manifest and located.path != self._path:
            self.nested.setdefault(located.path, Nested(located.path, variables))
        return Reference(located.path, is_manifest, located.fragment)
