"""The URLs of an MPD that are not its segments: locations, remote elements, chained manifests."""

from streaming.manifests.dash.base_urls import Base
from streaming.manifests.dash.document import Document, Element
from streaming.manifests.dash.markup import replace_attribute, replace_text
from streaming.manifests.dash.segment_info import KINDS
from streaming.manifests.dash.splices import Edits
from streaming.manifests.references import Nested, Reference

BASE_URL = "base_url"
PERIOD_LENGTH = "period_nanoseconds"
"""What a remote element has to be told about the place that it is put into."""

_TEXT_URLS = frozenset({"Location", "PatchLocation", "ContentSteering", "ImportedMPD"})
_ATTRIBUTE_URLS = {
    "InitializationSet": ("initialization", False),
    "ProgramInformation": ("moreInformationURL", False),
    "InsertPresentation": ("url", True),
    "ReplacePresentation": ("url", True),
}
"""Attributes that carry a URL, and whether a manifest lies there."""

TEXT_OF = frozenset({"BaseURL", *_TEXT_URLS})

_URL_PARAMETERS = "urn:mpeg:dash:urlparam:"
_PARAMETER_SCHEMAS = "urn:mpeg:dash:schema:urlparam:"

_LEVELS = frozenset({"Period", "AdaptationSet", "EmptyAdaptationSet", "Representation"})
_NOT_HERE = _LEVELS | {"BaseURL", "ContentProtection", *KINDS}
"""What is rewritten elsewhere, and ``ContentProtection``, whose licence URLs are never signed."""


class Links:
    """Collects edits for the links of one MPD, and the manifests that they lead to."""

    def __init__(self, document: Document, edits: Edits, path: str, home: Base) -> None:
        self.nested: dict[str, Nested] = {}
        self._document = document
        self._edits = edits
        self._path = path
        self._home = home

    def rewrite_below(self, parent: Element, base: Base) -> None:
        """Rewrite the links under ``parent`` at any depth, but not those of the levels below."""
        for element in parent.children:
            if element.name in _NOT_HERE:
                continue
            if _changes_requests(element, self._home):
                self._edits.remove(self._document.source, element.start, element.end)
                continue
            self._rewrite_href(element, self.reference(_href(element), base))
            if element.name in _TEXT_URLS:
                if self._rewrite_text(element):
                    continue  # whatever stood inside is gone with the text
            elif element.name in _ATTRIBUTE_URLS:
                name, is_manifest = _ATTRIBUTE_URLS[element.name]
                url = element.attributes.get(name)
                reference = self.reference(url, base, is_manifest=is_manifest)
                if reference is not None:
                    replace_attribute(self._document, self._edits, element, name, reference)
            self.rewrite_below(element, base)

    def rewrite_level(self, level: Element, base: Base, length: int | None) -> None:
        """Rewrite ``xlink:href`` of a period or adaptation set, which stands for the same there."""
        href = _href(level)
        if href is not None:
            self._rewrite_href(level, self.remote(href, base, length))

    def remote(self, href: str, base: Base, length: int | None) -> Reference | None:
        """Return the reference to a remote element that is put into a place with this base.

        ``length`` is the duration of the period around it in nanoseconds. The element gets a
        signed copy like a manifest, since it holds URLs.
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
        """Return the film's object at ``url``, or None when it is foreign or there is no URL."""
        located = base.locate(url) if url and url.strip() else None
        if located is None:
            return None
        if is_manifest and located.path != self._path:
            self.nested.setdefault(located.path, Nested(located.path, variables))
        return Reference(located.path, is_manifest, located.fragment)

    def _rewrite_href(self, element: Element, reference: Reference | None) -> None:
        link = element.xlink_href
        if link is not None and reference is not None:
            replace_attribute(self._document, self._edits, element, link[0], reference)

    def _rewrite_text(self, element: Element) -> bool:
        """Replace the URL that is the element's text; tell whether there was one of the film."""
        is_manifest = element.name == "ImportedMPD"
        reference = self.reference(element.text, self._home, is_manifest=is_manifest)
        if reference is not None and element.name == "Location":
            reference = Reference(self._path, is_manifest=True)  # a place of this very manifest
        if reference is None:
            return False
        replace_text(self._document, self._edits, element, reference)
        return True


def _changes_requests(element: Element, home: Base) -> bool:
    """Tell whether the element has players add to the URLs that they ask for.

    A signature covers the whole query: whatever is added to a signed URL has S3 refuse it. The
    parameters of Annex I, those of CMCD and those of a steering server are such additions.
    """
    if element.name in ("EssentialProperty", "SupplementalProperty"):
        return element.attributes.get("schemeIdUri", "").strip().startswith(_URL_PARAMETERS)
    if element.name == "ContentSteering":
        return bool(element.text.strip()) and home.locate(element.text) is not None
    return element.name == "ClientDataReporting" or element.name.startswith(_PARAMETER_SCHEMAS)


def _href(element: Element) -> str | None:
    link = element.xlink_href
    return None if link is None else link[1]
