"""Reads a playlist once and keeps it as text with holes where the URLs of the film go."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from streaming.manifests.errors import ManifestTooLarge, NotAManifest
from streaming.manifests.hls.attributes import attributes
from streaming.manifests.hls.limits import MAX_BYTES, MAX_KEY_LENGTH, MAX_NESTED, MAX_REFERENCES
from streaming.manifests.hls.variables import Variables
from streaming.manifests.references import FilmLocation, Nested, Reference, UrlFor

# The header is the first line; packagers that put comments before it are forgiven, as players do.
_HEADER = re.compile(
    r"\ufeff?(?:[ \t]*+(?:#(?!EXT)[^\r\n]*+)?+[\r\n]++)*+[ \t]*+#EXTM3U(?!\S)[^\r\n]*+"
)
# A segment's duration; a tag and its colon; or a URI, empty on a blank line.
_LINE = re.compile(
    r"(?=[^\r\n])[ \t]*+(?:"
    r"#EXTINF:[ \t]*+([0-9]{1,9}(?:\.[0-9]{0,12}+)?+)?+[^\r\n]*+"
    r"|(#[^\r\n:]*+)(:?+)[^\r\n]*+"
    r"|([^\r\n]*+))"
)
_UNSEEN = -1

# Which attributes of which tags hold URIs, and whether those lead to playlists.
_CARRIERS: dict[str, dict[str, bool]] = {
    "#EXT-X-KEY": {"URI": False},
    "#EXT-X-SESSION-KEY": {"URI": False},
    "#EXT-X-MAP": {"URI": False},
    "#EXT-X-PART": {"URI": False},
    "#EXT-X-PRELOAD-HINT": {"URI": False},
    "#EXT-X-SESSION-DATA": {"URI": False},
    "#EXT-X-CONTENT-STEERING": {"SERVER-URI": False},
    "#EXT-X-DATERANGE": {"X-ASSET-URI": True, "X-ASSET-LIST": False},
    "#EXT-X-MEDIA": {"URI": True},
    "#EXT-X-I-FRAME-STREAM-INF": {"URI": True},
    "#EXT-X-IMAGE-STREAM-INF": {"URI": True},
    "#EXT-X-RENDITION-REPORT": {"URI": True},
}

# Some packagers put the file of a subtitle track where a playlist of its segments belongs.
_TEXT_TRACKS = (".vtt", ".webvtt", ".srt")

_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class HlsManifest:
    """A playlist of a film; see ``streaming.manifests.manifest.Manifest``.

    ``pieces`` is the playlist in order: text, and indexes into ``objects`` where a URL goes.
    """

    pieces: tuple[str | int, ...]
    objects: tuple[Reference, ...]
    nested: tuple[Nested, ...]
    duration_seconds: float | None

    def render(self, url_for: UrlFor) -> bytes:
        """Return the playlist with every in-film reference replaced by its URL."""
        urls = [url_for(reference) for reference in self.objects]
        return "".join(
            [urls[piece] if isinstance(piece, int) else piece for piece in self.pieces]
        ).encode()


def parse(
    body: bytes,
    *,
    path: str,
    film: FilmLocation,
    variables: Mapping[str, str] = _NO_VARIABLES,
    query: str = "",
) -> HlsManifest:
    """Read the playlist ``body``, which lies at ``path`` (decoded) below the film's prefix.

    ``variables`` are the parent playlist's, for ``EXT-X-DEFINE:IMPORT``; ``query`` is that of the
    reference which led here, without its ``?``, for ``EXT-X-DEFINE:QUERYPARAM``.

    Raises ``NotAManifest`` for what is no playlist, ``OutsideFilm`` for a reference that leaves
    the film and ``ManifestTooLarge`` beyond the caps.
    """
    if len(body) > MAX_BYTES:
        raise ManifestTooLarge(f"the playlist has more than {MAX_BYTES} bytes")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise NotAManifest("the playlist is not UTF-8") from error
    header = _HEADER.match(text)
    if header is None:
        raise NotAManifest("a playlist starts with #EXTM3U")
    reader = _Reader(text, path, film, Variables(variables, query))
    duration = reader.read(header.end())
    return reader.manifest(duration, tuple(variables.items()))


class _Reader:
    """Goes through a playlist line by line and cuts the URIs out of it."""

    def __init__(self, text: str, path: str, film: FilmLocation, variables: Variables) -> None:
        self._text = text
        self._directory = path[: path.rfind("/") + 1]
        self._film = film
        self._variables = variables
        self._pieces: list[str | int] = []
        self._cut_to = 0
        self._references = 0
        self._indexes: dict[Reference, int] = {}
        # What a URI was found to be: byte ranges repeat the same one on line after line.
        self._known: tuple[dict[str, int | None], dict[str, int | None]] = ({}, {})
        self._nested_count = 0
        self._siblings: set[int] = set()

    def read(self, start: int) -> float | None:
        """Read every line from ``start`` on; return the duration of the segments, if there are."""
        is_variant = has_variants = has_segments = False
        duration = 0.0
        for line in _LINE.finditer(self._text, start):
            extinf, tag, colon, uri = line.groups()
            if uri:
                uri_start = line.start(4)
                self._cut(uri_start, uri_start + len(uri.rstrip(" \t")), is_manifest=is_variant)
                is_variant = False
            elif uri is not None:
                continue
            elif tag is None:
                has_segments = True
                duration += float(extinf or 0)
            elif tag == "#EXT-X-STREAM-INF":
                is_variant = has_variants = True
            elif colon and (tag in _CARRIERS or tag == "#EXT-X-DEFINE"):
                self._read_attributes(tag, line.end(3), line.end())
        return duration if has_segments and not has_variants else None

    def manifest(
        self, duration: float | None, importable: tuple[tuple[str, str], ...]
    ) -> HlsManifest:
        """Return what was read; ``importable`` are the variables of the parent playlist."""
        own = self._variables.values()
        nested = tuple(
            # A report is on a sibling: it imports from this playlist's parent.
            Nested(each.path, importable if index in self._siblings else own, each.query)
            for each, index in self._indexes.items()
            if each.is_manifest
        )
        pieces = (*self._pieces, self._text[self._cut_to :])
        return HlsManifest(pieces, tuple(self._indexes), nested, duration)

    def _read_attributes(self, tag: str, start: int, end: int) -> None:
        found = attributes(self._text, start, end)
        if tag == "#EXT-X-DEFINE":
            if replacement := self._variables.define(found):
                attribute, text = replacement
                self._replace(attribute.start, attribute.end, text)
            return
        carried = _CARRIERS[tag]
        for attribute in found:
            is_manifest = carried.get(attribute.name)
            if is_manifest is not None:
                index = self._cut(
                    attribute.value_start, attribute.value_end, is_manifest=is_manifest
                )
                if index is not None and tag == "#EXT-X-RENDITION-REPORT":
                    self._siblings.add(index)

    def _cut(self, start: int, end: int, *, is_manifest: bool) -> int | None:
        """Take the URI at ``[start, end)`` out of the text, unless it is foreign."""
        self._references += 1
        if self._references > MAX_REFERENCES:
            raise ManifestTooLarge(f"the playlist has more than {MAX_REFERENCES} references")
        uri = self._text[start:end]
        if "#" in uri:
            # A fragment is the player's own affair and stays where it is. Only the ends of a URI
            # are trimmed, so a space before the fragment belongs to the path.
            uri = uri.partition("#")[0]
            end = start + len(uri)
            uri = uri.lstrip(" ").replace(" ", "%20")
        known = self._known[is_manifest]
        index = known.get(uri, _UNSEEN)
        if index == _UNSEEN:
            index = known[uri] = self._index_of(uri, is_manifest=is_manifest)
        if index is not None:
            self._replace(start, end, index)
        return index

    def _index_of(self, uri: str, *, is_manifest: bool) -> int | None:
        address, question_mark, query = uri.partition("?")
        address = self._variables.substitute(address)
        reference = self._film.resolve(self._directory, address)
        if reference is None or not uri or uri.isspace():
            return None
        path = reference.path
        if not path or path[-1] == "/" or len(path) > MAX_KEY_LENGTH:
            raise NotAManifest(f"a reference names no object: {uri[:80]!r}")
        if is_manifest and path.lower().endswith(_TEXT_TRACKS):
            is_manifest = False
        if is_manifest:
            full = address + question_mark + self._variables.substitute(query, unset="")
            reference = Reference(path, is_manifest=True, query=full.partition("?")[2])
        elif reference.fragment:
            # One that came out of a variable; players do not send it.
            reference = Reference(path)
        if is_manifest and reference not in self._indexes:
            self._nested_count += 1
            if self._nested_count > MAX_NESTED:
                raise ManifestTooLarge(f"the playlist leads to more than {MAX_NESTED} others")
        return self._indexes.setdefault(reference, len(self._indexes))

    def _replace(self, start: int, end: int, piece: str | int) -> None:
        self._pieces += (self._text[self._cut_to : start], piece)
        self._cut_to = end
