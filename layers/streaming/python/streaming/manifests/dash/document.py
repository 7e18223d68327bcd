"""An MPD as a tree whose elements have their positions in the source bytes.

Rewriting edits spans of those bytes, so that comments, prefixes, unknown elements and white space
are preserved; serializing the tree would lose them. expat is sufficient, and its import takes half
a millisecond of a cold start. Documents with a DTD are refused, so no entity is ever expanded.
"""

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from streaming.manifests.dash.encodings import DECLARATION, ascii_compatible
from streaming.manifests.dash.limits import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_START_TAG_BYTES,
    check_url_length,
)
from streaming.manifests.errors import ManifestError, ManifestTooLarge, NotAManifest

_XLINK = "http://www.w3.org/1999/xlink "
_XLINK_HREF = _XLINK + "href "
_RESOLVE_TO_ZERO = "urn:mpeg:dash:resolve-to-zero:2013"
# dash.js, Shaka and ffmpeg ignore whether these prefixes are declared.
_PREFIXES = {
    b"xlink": b"http://www.w3.org/1999/xlink",
    b"cenc": b"urn:mpeg:cenc:2013",
    b"mspr": b"urn:microsoft:playready",
    b"dvb": b"urn:dvb:dash-extensions:2014-1",
    b"dashif": b"https://dashif.org/CPS",
    b"scte35": b"http://www.scte.org/schemas/35/2016",
    b"xsi": b"http://www.w3.org/2001/XMLSchema-instance",
}
_DECLARATIONS = {prefix: b' xmlns:%b="%b"' % (prefix, uri) for prefix, uri in _PREFIXES.items()}
_REMOTE_ROOT = b"<remote" + b"".join(_DECLARATIONS.values()) + b">"
_DECLARED_PREFIX = re.compile(rb"\sxmlns:([^\s=]+)")
_UNBOUND_PREFIX = expat.errors.codes[expat.errors.XML_ERROR_UNBOUND_PREFIX]
# The declaration, comments and instructions, and the root's name.
_BEFORE_ROOT = re.compile(rb"(?:\xef\xbb\xbf|\s|<\?.*?\?>|<!--.*?-->)*<[^\s/>!?]+", re.DOTALL)

_START_TAG = re.compile(rb"""<[^>"']*(?:(?:"[^"]*"|'[^']*')[^>"']*)*>""")
_ATTRIBUTE = re.compile(rb"""([^\s=/"'<>]+)\s*=\s*("[^"]*"|'[^']*')""")


@dataclass(slots=True, eq=False)
class Element:
    """An element and its position in the source.

    ``name`` is the local name of an element in the root's namespace, otherwise ``"uri local"``.
    ``attributes`` holds decoded values; the name of a namespaced one is ``"uri local prefix"``.
    The start tag is ``[start, content_start)``, the content ``[content_start, content_end)`` and
    the whole element ``[start, end)``.
    """

    name: str
    attributes: dict[str, str]
    start: int
    content_start: int
    content_end: int = 0
    end: int = 0
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, *names: str) -> list["Element"]:
        """Return the children with one of these names, in document order."""
        return [child for child in self.children if child.name in names]

    def first(self, name: str) -> "Element | None":
        """Return the first child with that name."""
        return next((child for child in self.children if child.name == name), None)

    @property
    def xlink_href(self) -> tuple[str, str] | None:
        """The name of the ``xlink:href`` attribute as written, and its value."""
        for name, value in self.attributes.items():
            if name.startswith(_XLINK_HREF):
                return f"{name.rpartition(' ')[2]}:href", value.strip()
        return None

    @property
    def xlink_names(self) -> list[str]:
        """The names of all attributes of XLink, as written."""
        parts = [name.split(" ") for name in self.attributes if name.startswith(_XLINK)]
        return [f"{prefix}:{local}" for _, local, prefix in parts]

    @property
    def is_empty_slot(self) -> bool:
        """Whether players remove the element (``resolve-to-zero``, ISO/IEC 23009-1, 5.5.3)."""
        link = self.xlink_href
        return link is not None and link[1] == _RESOLVE_TO_ZERO


class _Spans(dict[str, tuple[int, int]]):
    """The spans of an element's attributes, by name."""

    def __missing__(self, name: str) -> tuple[int, int]:
        # Names are found as UTF-8, and those that matter are ASCII, except for their prefixes.
        raise NotAManifest(f"the name of the attribute {name!r} is not in UTF-8")


@dataclass(frozen=True, slots=True)
class Document:
    """The source bytes, ASCII-compatible, and the root element."""

    source: bytes
    root: Element

    def attribute_spans(self, element: Element) -> dict[str, tuple[int, int]]:
        """Return the span of each attribute (``name="value"``), by its name as written.

        The result raises ``NotAManifest`` for a name that it does not have.
        """
        name_end = element.start + 1 + len(self.tag_name(element))
        return _Spans(
            (match[1].decode("utf-8", "replace"), match.span())
            for match in _ATTRIBUTE.finditer(self.source, name_end, element.content_start)
        )

    def tag_name(self, element: Element) -> bytes:
        """Return the element's name as written, with its prefix."""
        return re.split(
            rb"[\s/>]", self.source[element.start + 1 : element.content_start], maxsplit=1
        )[0]

    def prefix(self, element: Element) -> bytes:
        """Return the prefix of the element's name with its colon; empty if there is none."""
        before, colon, _ = self.tag_name(element).rpartition(b":")
        return before + colon

    def is_self_closing(self, element: Element) -> bool:
        """Return whether the element is an empty-element tag (``<name/>``)."""
        return self.source.endswith(b"/>", element.start, element.content_start)


def read(body: bytes, text_of: frozenset[str], *, is_remote: bool = False) -> Document:
    """Parse ``body`` and keep the character data of the elements named in ``text_of``.

    With ``is_remote`` the body is a remote element entity: sibling elements, which become the
    children of an artificial root.

    Raises ``NotAManifest`` if ``body`` is not well-formed XML, has a DTD or an unknown encoding,
    and ``ManifestTooLarge`` above the limits on bytes, elements, depth and the length of a tag or
    URL.
    """
    if len(body) > MAX_BYTES:
        raise ManifestTooLarge(f"the manifest is larger than {MAX_BYTES} bytes")
    source = ascii_compatible(body)
    if is_remote:
        source = _REMOTE_ROOT + DECLARATION.sub(b"", source) + b"</remote>"
    roots_at = int(is_remote)
    try:
        try:
            return _built(source, text_of, roots_at)
        except expat.ExpatError as error:
            if error.code != _UNBOUND_PREFIX:
                raise
            return _built(_with_prefixes(source), text_of, roots_at)
    except expat.ExpatError as error:
        raise NotAManifest(f"the manifest is not well-formed XML: {error}") from error
    except ManifestError:
        raise
    except (ValueError, LookupError) as error:  # raised for an encoding that Python cannot decode
        raise NotAManifest(f"the manifest's encoding is unknown: {error}") from error


def _built(source: bytes, text_of: frozenset[str], roots_at: int) -> Document:
    builder = _Builder(source, text_of, roots_at)
    builder.parser.Parse(source, True)  # noqa: FBT003 (pyexpat takes no keywords)
    return Document(source, builder.root)


def _with_prefixes(source: bytes) -> bytes:
    """Return the source with declarations of the usual prefixes that its root does not declare."""
    root = _BEFORE_ROOT.match(source)
    assert root is not None, "expat has read the root's name"
    tag = _START_TAG.match(source, source.rindex(b"<", 0, root.end()))
    declared = _DECLARED_PREFIX.findall(tag[0]) if tag else []
    added = (text for prefix, text in _DECLARATIONS.items() if prefix not in declared)
    return source[: root.end()] + b"".join(added) + source[root.end() :]


class _Builder:
    """Builds the tree of elements from expat's events."""

    def __init__(self, source: bytes, text_of: frozenset[str], roots_at: int) -> None:
        self.parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        self._source = source
        self._text_of = text_of
        self._roots_at = roots_at
        self._open: list[Element] = []
        self._count = 0
        self._namespace = ""
        self.root: Element

    def _refuse_doctype(self, *_: object) -> None:
        raise NotAManifest("the manifest has a document type declaration")

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise ManifestTooLarge(f"the manifest has more than {MAX_ELEMENTS} elements")
        if len(self._open) >= MAX_DEPTH:
            raise ManifestTooLarge(f"the manifest is nested deeper than {MAX_DEPTH} elements")
        start = self.parser.CurrentByteIndex
        tag = _START_TAG.match(self._source, start, start + MAX_START_TAG_BYTES)
        if tag is None:
            raise ManifestTooLarge(f"a start tag is longer than {MAX_START_TAG_BYTES} bytes")
        namespace, name = _split_name(qualified)
        if len(self._open) <= self._roots_at:
            self._namespace = namespace
        if namespace != self._namespace:
            name = f"{namespace} {name}"
        element = Element(name, attributes, start, tag.end())
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, _: str) -> None:
        element = self._open.pop()
        if self._source.endswith(b"/>", element.start, element.content_start):
            element.content_end = element.end = element.content_start
        else:
            element.content_end = self.parser.CurrentByteIndex
            element.end = self._source.index(b">", element.content_end) + 1

    def _characters(self, text: str) -> None:
        element = self._open[-1]
        if element.name in self._text_of:
            element.text = check_url_length((element.text + text).lstrip())


def _split_name(qualified: str) -> tuple[str, str]:
    parts = qualified.split(" ")
    return (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
