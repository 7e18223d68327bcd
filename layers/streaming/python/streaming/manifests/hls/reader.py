"""Reads the lines of a playlist, and leaves out what refers to missing playlists."""

import re
from collections import defaultdict
from itertools import islice

from streaming.manifests.errors import ManifestTooLarge, NotAManifest, NotUtf8
from streaming.manifests.hls.attributes import Attribute, attributes, is_ambiguous
from streaming.manifests.hls.carriers import CARRIERS, OBJECT, PLAYLIST, Target, carried_by
from streaming.manifests.hls.limits import (
    MAX_ATTRIBUTES,
    MAX_KEY_LENGTH,
    MAX_LINE_ATTRIBUTES,
    MAX_NESTED,
    MAX_REFERENCES,
)
from streaming.manifests.hls.manifest import HlsManifest
from streaming.manifests.hls.variables import Variables
from streaming.manifests.references import FilmLocation, Kind, Nested, Reference

# A segment's duration; a tag and its colon; or a URI, empty on a blank line.
_LINE = re.compile(
    r"(?=[^\r\n])[ \t]*(?:"
    r"#EXTINF:[ \t]*([0-9]{1,9}(?:\.[0-9]{0,12})?)?[^\r\n]*"
    r"|(#[^\r\n:]*)(:?)[^\r\n]*"
    r"|([^\r\n]*))"
)
_UNSEEN = -1
_UNREADABLE = -2
"""Instead of the index of a reference: no object can have its name."""

# Attributes of a variant that name groups of EXT-X-MEDIA, by their TYPE.
_GROUPS = ("AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS")


class Reader:
    """Reads a playlist line by line and replaces the film's URIs by indexes of references."""

    def __init__(
        self,
        text: str,
        path: str,
        film: FilmLocation,
        variables: Variables,
        missing: frozenset[tuple[str, str]] = frozenset(),
        too_long: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self._text = text
        self._directory = path[: path.rfind("/") + 1]
        self._film = film
        self._variables = variables
        self._pieces: list[str | int] = []
        self._cut_to = 0
        self._references = self._attributes = 0
        self._indexes: dict[Reference, int] = {}
        # The index of each URI already resolved: with byte ranges, many lines repeat one URI.
        self._known: dict[Target, dict[str, int | None]] = defaultdict(dict)
        self._kinds: dict[int, Kind] = {}
        self._nested_count = 0
        self._siblings: set[int] = set()
        self._missing = missing
        self._too_long = too_long
        self.unreadable: list[str] = []
        self._lost: set[int | None] = {_UNREADABLE}
        self._left_out: list[tuple[int, int]] = []
        self._variants = 0
        self._is_empty = True
        self._lost_groups: set[tuple[str, str]] = set()
        self._kept_groups: set[tuple[str, str]] = set()
        self._variant_groups: list[tuple[int, int, tuple[str, str]]] = []

    def read(self, start: int) -> float | None:
        """Read every line from ``start``; return the segments' duration, None without segments."""
        is_variant = has_variants = has_segments = False
        duration = 0.0
        variant_start = 0
        for line in _LINE.finditer(self._text, start):
            extinf, tag, colon, uri = line.groups()
            if uri:
                self._read_uri(line, variant_start if is_variant else None)
                is_variant = False
            elif uri is not None:
                continue
            elif tag is None:
                has_segments = True
                duration += float(extinf or 0)
            elif tag == "#EXT-X-STREAM-INF":
                is_variant = has_variants = True
                variant_start = line.start()
                self._read_variant(line.end(3), line.end())
            elif colon and (tag in CARRIERS or tag == "#EXT-X-DEFINE"):
                self._read_attributes(tag, line.start(), line.end(3), line.end())
        if self._left_out and has_variants and not self._variants:
            raise NotAManifest("no variant is left")
        self._forget_lost_groups()
        self._is_empty = not has_segments and not has_variants
        return duration if has_segments and not has_variants else None

    def _read_uri(self, line: re.Match[str], variant_start: int | None) -> None:
        """Replace the URI of a line; ``variant_start`` is where the tag of a variant begins."""
        is_variant = variant_start is not None
        start = line.start(4)
        target = PLAYLIST if is_variant else OBJECT
        index = self._cut(start, start + len(line[4].rstrip(" \t")), target)
        if index in self._lost:
            self._left_out.append(
                (line.start() if variant_start is None else variant_start, line.end())
            )
        elif is_variant:
            self._variants += 1

    @property
    def leaves_out(self) -> bool:
        """Whether references were found that are left out."""
        return bool(self._left_out)

    def remaining(self) -> str:
        """Return the text without the references that are left out."""
        pieces: list[str] = []
        position = 0
        for start, end in sorted(self._left_out):
            if start >= position:
                pieces.append(self._text[position:start])
                position = end
        return "".join((*pieces, self._text[position:]))

    def manifest(
        self,
        duration: float | None,
        importable: tuple[tuple[str, str], ...],
        left_out: tuple[str, ...],
    ) -> HlsManifest:
        """Return the parsed playlist; ``importable`` are the variables of the parent playlist."""
        own = self._variables.values()
        nested = tuple(
            # A rendition report refers to a sibling, which imports from this playlist's parent.
            Nested(
                each.path,
                importable if index in self._siblings else own,
                each.query,
                self._kinds[index],
            )
            for each, index in self._indexes.items()
            if each.is_manifest
        )
        pieces = (*self._pieces, self._text[self._cut_to :])
        objects = tuple(self._indexes)
        return HlsManifest(pieces, objects, nested, duration, left_out, self._is_empty)

    def _read_attributes(self, tag: str, line_start: int, start: int, end: int) -> None:
        found = self._attributes_of(start, end)
        if tag == "#EXT-X-DEFINE":
            if replacement := self._variables.define(found):
                attribute, text = replacement
                self._replace(attribute.start, attribute.end, text)
            return
        carried = carried_by(tag, found)
        is_lost = False
        for attribute in found:
            target = carried.get(attribute.name)
            if target is None:
                self._quote(attribute)
                continue
            if is_ambiguous(attribute):
                reason = f"malformed attribute list: {self._text[start:end][:80]!r}"
                is_lost = self._unreadable(reason, target) in self._lost
                continue
            index = self._cut_attribute(attribute, target)
            is_lost = is_lost or index in self._lost
            if index is not None and tag == "#EXT-X-RENDITION-REPORT":
                self._siblings.add(index)
        if tag == "#EXT-X-MEDIA":
            values = {attribute.name: attribute.value for attribute in found}
            group = (values.get("TYPE", ""), values.get("GROUP-ID", ""))
            (self._lost_groups if is_lost else self._kept_groups).add(group)
        if is_lost:
            self._left_out.append((line_start, end))

    def _attributes_of(self, start: int, end: int) -> list[Attribute]:
        """Return the attributes at ``[start, end)``. Raises ``ManifestTooLarge``."""
        found = list(islice(attributes(self._text, start, end), MAX_LINE_ATTRIBUTES + 1))
        self._attributes += len(found)
        if len(found) > MAX_LINE_ATTRIBUTES or self._attributes > MAX_ATTRIBUTES:
            raise ManifestTooLarge(
                f"the playlist has more than {MAX_ATTRIBUTES} attributes, "
                f"or a line more than {MAX_LINE_ATTRIBUTES}"
            )
        return found

    def _quote(self, attribute: Attribute, mark: str = "'") -> None:
        """Replace quotation marks within a value, which some players do not tolerate."""
        if '"' in attribute.value:
            value = attribute.value.replace('"', mark)
            self._replace(attribute.value_start, attribute.value_end, value)

    def _read_variant(self, start: int, end: int) -> None:
        for attribute in self._attributes_of(start, end):
            self._quote(attribute)
            if attribute.name in _GROUPS:
                left = self._text.rfind(",", start, attribute.start)
                span = (left, attribute.end) if left >= 0 else (attribute.start, attribute.end + 1)
                self._variant_groups.append((*span, (attribute.name, attribute.value)))

    def _cut_attribute(self, attribute: Attribute, target: Target) -> int | None:
        """Replace the URI in an attribute, see ``_cut``."""
        # A ``data:`` URL contains a comma, which ends a value that is not quoted.
        marks = '"' if target.is_inline and not attribute.is_quoted else ""
        if marks:
            self._replace(attribute.value_start, attribute.value_start, marks)
        index = self._cut(attribute.value_start, attribute.value_end, target)
        if index is None:
            self._quote(attribute, "%22")
        if marks:
            self._replace(attribute.value_end, attribute.value_end, marks)
        return index

    def _forget_lost_groups(self) -> None:
        """Remove rendition groups without a rendition from the variants that refer to them."""
        lost = self._lost_groups - self._kept_groups
        self._left_out += [
            (start, end) for start, end, group in self._variant_groups if group in lost
        ]

    def _cut(self, start: int, end: int, target: Target) -> int | None:
        """Replace the URI at ``[start, end)`` by the index of its reference; keep a foreign one."""
        self._references += 1
        if self._references > MAX_REFERENCES:
            raise ManifestTooLarge(f"the playlist has more than {MAX_REFERENCES} references")
        uri = self._text[start:end]
        if "#" in uri:
            # Players evaluate the fragment themselves, so it stays in the text. Only the ends of a
            # URI are trimmed, so a space before the fragment is part of the path.
            uri = uri.partition("#")[0]
            end = start + len(uri)
            uri = uri.lstrip(" ").replace(" ", "%20")
        known = self._known[target]
        index = known.get(uri, _UNSEEN)
        if index == _UNSEEN:
            index = known[uri] = self._index_of(uri, target)
        if index is not None and index != _UNREADABLE:
            self._replace(start, end, index)
        return index

    def _index_of(self, uri: str, target: Target) -> int | None:
        address, question_mark, query = uri.partition("?")
        address = self._variables.substitute(address)
        if "\ufffd" in address:
            return self._unreadable(f"a reference is not UTF-8: {uri[:80]!r}", target)
        try:
            reference = self._film.resolve(self._directory, address)
        except NotUtf8 as error:
            return self._unreadable(str(error), target)
        if reference is None or not uri or uri.isspace():
            return None
        path = reference.path
        if not path or path[-1] == "/" or len(path) > MAX_KEY_LENGTH:
            return self._unreadable(f"a reference names no object: {uri[:80]!r}", target)
        target = target.of_path(path)
        is_manifest = target.kind is not None
        if is_manifest:
            full = address + question_mark + self._variables.substitute(query, unset="")
            imported = full.partition("?")[2] if target.kind is Kind.MANIFEST else ""
            reference = Reference(
                path, is_manifest=True, query=imported, is_inline=target.is_inline
            )
        elif reference.fragment:
            # The fragment comes from a variable; players do not send it.
            reference = Reference(path)
        if is_manifest and reference not in self._indexes:
            self._count_nested()
        index = self._indexes.setdefault(reference, len(self._indexes))
        if target.kind is not None:
            self._kinds[index] = target.kind
        key = (path, reference.query)
        if is_manifest and (key in self._missing or (target.is_inline and key in self._too_long)):
            self._lost.add(index)
        return index

    def _unreadable(self, reason: str, target: Target) -> int:
        """Note a reference that cannot be signed, and return its index.

        Raises ``NotAManifest`` unless it refers to a manifest, which players can do without.
        """
        if target.kind is None:
            raise NotAManifest(reason)
        self._count_nested()
        self.unreadable.append(reason)
        return _UNREADABLE

    def _count_nested(self) -> None:
        self._nested_count += 1
        if self._nested_count > MAX_NESTED:
            raise ManifestTooLarge(f"the playlist refers to more than {MAX_NESTED} others")

    def _replace(self, start: int, end: int, piece: str | int) -> None:
        self._pieces += (self._text[self._cut_to : start], piece)
        self._cut_to = end
