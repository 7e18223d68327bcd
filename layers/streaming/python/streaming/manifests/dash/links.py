"""The URLs of an MPD other than segments: locations, remote elements and chained manifests."""

from collections.abc import Mapping

from streaming.manifests.dash.base_urls import Base
from streaming.manifests.dash.document import Document, Element
from streaming.manifests.dash.markup import escaped, replace_attribute, replace_text
from streaming.manifests.dash.segment_info import KINDS
from streaming.manifests.dash.splices import Edits
from streaming.manifests.references import Nested, Reference

BASE_URL = "base_url"
PERIOD_LENGTH = "period_nanoseconds"
"""The names of the variables that describe where a remote element is inserted."""

_TEXT_URLS = frozenset({"Location", "PatchLocation", "ContentSteering", "ImportedMPD"})
_ATTRIBUTE_URLS = {
    "InitializationSet": ("initialization", False),
    "ProgramInformation": ("moreInformationURL", False),
    "InsertPresentation": ("url", True),
    "ReplacePresentation": ("url", True),
}
"""Attributes that contain a URL, and whether that is the URL of a manifest."""

TEXT_OF = frozenset({"BaseURL", *_TEXT_URLS})

_URL_PARAMETERS = "urn:mpeg:dash:urlparam:"
_PARAMETER_SCHEMAS = "urn:mpeg:dash:schema:urlparam:"

_MANIFEST_PROPERTIES = frozenset({"urn:mpeg:dash:chaining:2016", "urn:mpeg:dash:fallback:2016"})
"""Properties whose value is a list of URLs of manifests (ISO/IEC 23009-1, 5.11)."""
_FONT_DOWNLOAD = "urn:dvb:dash:fontdownload:2014"
_DVB_URL = "urn:dvb:dash-extensions:2014-1 url "
"""The font of subtitles (ETSI TS 103 285, 7.2), named by the attribute ``dvb:url``."""

_CONTENT = {"Period": "AdaptationSet", "AdaptationSet": "Representation"}
"""The children without which an element is empty; any child, of other elements."""

_LEVELS = frozenset({"Period", "AdaptationSet", "EmptyAdaptationSet", "Representation"})
_NOT_HERE = _LEVELS | {"BaseURL", "ContentProtection", *KINDS}
"""Elements rewritten elsewhere, and ``ContentProtection``: licence URLs are never signed."""


class Links:
    """Collects the edits for the links of one MPD, and the manifests that they refer to.

    Links to the manifests in ``missing``, each a path and a query, are left out.
    """

    def __init__(
        self,
        document: Document,
        edits: Edits,
        path: str,
        home: Base,
        missing: frozenset[tuple[str, str]],
    ) -> None:
        self.nested: dict[str, Nested] = {}
        self._document = document
        self._edits = edits
        self._path = path
        self._home = home
        self._missing = missing

    def is_missing(self, element: Element, base: Base) -> bool:
        """Return whether the element refers to a remote element that does not exist."""
        return self._names_missing(_href(element), base)

    def is_absent(self, element: Element, base: Base) -> bool:
        """Return whether the element is removed, because nothing replaces what players replace.

        An element that refers to a missing one has its own content, unless it has none. A period
        is removed with its adaptation sets, and these with their representations: Shaka does not
        play a presentation with empty ones.
        """
        if element.is_empty_slot:
            return True
        is_missing = self.is_missing(element, base)
        if element.name in KINDS or (element.xlink_href is not None and not is_missing):
            return False
        if element.name == "Representation" and self._lacks_segments(element, base):
            return True
        name = _CONTENT.get(element.name)
        content = element.all(name) if name else []
        if content:
            below = base.below(element)
            return all(self.is_absent(each, below) for each in content)
        return is_missing and (name is not None or not element.children)

    def _lacks_segments(self, representation: Element, base: Base) -> bool:
        """Return whether a representation's list of segments is remote, and missing."""
        lists = representation.all("SegmentList")
        if not lists or not self._missing:
            return False
        below = base.below(representation)
        return all(self.is_missing(each, below) and not each.children for each in lists)

    def rewrite_below(self, parent: Element, base: Base) -> None:
        """Rewrite the links below ``parent`` at any depth, except those of nested levels.

        Raises ``OutsideFilm`` for a link that leaves the film.
        """
        for element in parent.children:
            if (
                self.is_absent(element, base)
                or _changes_requests(element, self._home)
                or self._leads_nowhere(element, base)
            ):
                self._edits.remove(self._document.source, element.start, element.end)
                continue
            if element.name in _NOT_HERE:
                continue
            if " " in element.name:
                # A picture in the SVG of an event, for example: no element that replaces this one.
                self._rewrite_href(element, self.reference(_href(element), base))
            else:
                self.rewrite_level(element, base, None)
            self._rewrite_property(element, base)
            if element.name in _TEXT_URLS:
                if self._rewrite_text(element):
                    continue  # the replacement removes the element's children
            elif element.name in _ATTRIBUTE_URLS:
                name, is_manifest = _ATTRIBUTE_URLS[element.name]
                url = element.attributes.get(name)
                reference = self.reference(url, base, is_manifest=is_manifest)
                if reference is not None:
                    replace_attribute(self._document, self._edits, element, name, reference)
            self.rewrite_below(element, base)

    def rewrite_level(self, level: Element, base: Base, length: int | None) -> None:
        """Rewrite ``xlink:href``, which refers to elements that replace ``level``.

        Without the attribute, players use the content of ``level``.
        """
        href = _href(level)
        if self.is_missing(level, base):
            spans = self._document.attribute_spans(level)
            for name in level.xlink_names:
                self._edits.remove(self._document.source, *spans[name])
        elif href is not None:
            self._rewrite_href(level, self.remote(href, base, length))

    def remote(self, href: str, base: Base, length: int | None) -> Reference | None:
        """Return the reference to a remote element that resolves against ``base``.

        ``length`` is the duration of the enclosing period in nanoseconds. The element has a signed
        copy like a manifest, because it contains URLs.
        """
        known = () if length is None else ((PERIOD_LENGTH, str(length)),)
        context = ((BASE_URL, base.url), *known)
        return self.reference(href, base, is_manifest=True, variables=context)

    def reference(
        self,
        url: str | None,
        base: Base,
        *,
        is_manifest: bool = False,
        variables: tuple[tuple[str, str], ...] = (),
    ) -> Reference | None:
        """Return the film's object at ``url``, or None if it is foreign or empty.

        Raises ``OutsideFilm`` if it leaves the film.
        """
        located = base.locate(url) if url and url.strip() else None
        if located is None:
            return None
        if is_manifest and located.path != self._path:
            known = self.nested.get(located.path)
            if known is None or _length(dict(known.variables)) < _length(dict(variables)):
                self.nested[located.path] = Nested(located.path, variables)
        return Reference(located.path, is_manifest, located.fragment)

    def _names_missing(self, url: str | None, base: Base) -> bool:
        located = base.locate(url) if self._missing and url else None
        return located is not None and (located.path, "") in self._missing

    def _leads_nowhere(self, element: Element, base: Base) -> bool:
        """Return whether every manifest that the element names is missing."""
        if _is_manifest_property(element):
            urls = element.attributes.get("value", "").split()
            return bool(urls) and all(self._names_missing(url, base) for url in urls)
        if element.name == "ImportedMPD":
            return self._names_missing(element.text.strip(), self._home)
        name, is_manifest = _ATTRIBUTE_URLS.get(element.name, ("", False))
        return is_manifest and self._names_missing(element.attributes.get(name), base)

    def _rewrite_href(self, element: Element, reference: Reference | None) -> None:
        link = element.xlink_href
        if link is not None and reference is not None:
            replace_attribute(self._document, self._edits, element, link[0], reference)

    def _rewrite_property(self, element: Element, base: Base) -> None:
        """Replace the URLs of a property whose scheme defines any."""
        if element.name not in ("EssentialProperty", "SupplementalProperty"):
            return
        scheme = element.attributes.get("schemeIdUri", "").strip()
        if _is_manifest_property(element):
            urls = element.attributes.get("value", "").split()
            left = [url for url in urls if not self._names_missing(url, base)]
            found = [self.reference(url, base, is_manifest=True) or escaped(url) for url in left]
            if left != urls or any(isinstance(each, Reference) for each in found):
                pieces = [piece for each in found for piece in (b" ", each)][1:]
                replace_attribute(self._document, self._edits, element, "value", *pieces)
        elif scheme == _FONT_DOWNLOAD:
            for name, url in element.attributes.items():
                if name.startswith(_DVB_URL):
                    reference = self.reference(url, base)
                    if reference is not None:
                        written = f"{name.rpartition(' ')[2]}:url"
                        replace_attribute(self._document, self._edits, element, written, reference)

    def _rewrite_text(self, element: Element) -> bool:
        """Replace the URL in the element's text; return whether it was a URL of the film."""
        is_manifest = element.name == "ImportedMPD"
        reference = self.reference(element.text, self._home, is_manifest=is_manifest)
        if reference is not None and element.name == "Location":
            reference = Reference(self._path, is_manifest=True)  # a Location of this manifest
        if reference is None:
            return False
        replace_text(self._document, self._edits, element, reference)
        return True


def _is_manifest_property(element: Element) -> bool:
    """Return whether the element is a property whose value names manifests."""
    is_property = element.name in ("EssentialProperty", "SupplementalProperty")
    return is_property and element.attributes.get("schemeIdUri", "").strip() in _MANIFEST_PROPERTIES


def _changes_requests(element: Element, home: Base) -> bool:
    """Return whether the element makes players add query parameters to the URLs they request.

    A signature covers the whole query, so S3 rejects a signed URL with added parameters. Annex I,
    CMCD and steering servers add parameters.
    """
    if element.name in ("EssentialProperty", "SupplementalProperty"):
        return element.attributes.get("schemeIdUri", "").strip().startswith(_URL_PARAMETERS)
    if element.name == "ContentSteering":
        return bool(element.text.strip()) and home.locate(element.text) is not None
    return element.name == "ClientDataReporting" or element.name.startswith(_PARAMETER_SCHEMAS)


def _length(variables: Mapping[str, str]) -> int:
    """Return the length of the place of a remote element; the longest place needs most segments."""
    return int(variables.get(PERIOD_LENGTH, 0))


def _href(element: Element) -> str | None:
    link = element.xlink_href
    return None if link is None else link[1]
