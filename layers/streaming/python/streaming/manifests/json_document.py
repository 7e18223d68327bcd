"""JSON documents that a playlist refers to and that contain URLs of objects of the film.

These are chapters with pictures (``EXT-X-SESSION-DATA``,
https://developer.apple.com/documentation/http-live-streaming) and lists of assets
(``X-ASSET-LIST``, RFC 8216bis, appendix D.2). A value is replaced if the name of its member denotes
a URL and the value resolves to an object of the film. All other bytes stay unchanged.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from streaming.manifests.errors import ManifestTooLarge, OutsideFilm
from streaming.manifests.references import (
    FilmLocation,
    Kind,
    Nested,
    Reference,
    UrlFor,
    signed_length,
)

_MAX_REFERENCES = 10_000
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_COLON = re.compile(r"[ \t\r\n]*:")
_ADDRESS_NAME = re.compile(r"(?:.*[-_])?(?:url|uri|href|src)s?|.*(?:Url|URL|Uri|URI)s?")
_PLAYLIST = re.compile(r".*\.m3u8?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class JsonDocument:
    """A document of a film; see ``streaming.manifests.manifest.Manifest``."""

    pieces: tuple[str | Reference, ...]
    raw: bytes

    @property
    def nested(self) -> tuple[Nested, ...]:
        """The playlists that the document refers to."""
        references = (piece for piece in self.pieces if isinstance(piece, Reference))
        return tuple(Nested(each.path, query=each.query) for each in references if each.is_manifest)

    @property
    def embedded(self) -> Mapping[Reference, int]:
        """The playlists of assets, and how often each occurs."""
        return Counter(
            piece for piece in self.pieces if isinstance(piece, Reference) and piece.is_inline
        )

    @property
    def left_out(self) -> tuple[str, ...]:
        """Nothing: a value that names no object stays unchanged."""
        return ()

    @property
    def duration_seconds(self) -> float | None:
        """None: a document has no duration."""
        return None

    @property
    def rendered_bytes(self) -> int:
        """The approximate size of the signed document in bytes."""
        if not self.pieces:
            return len(self.raw)
        return sum(
            len(piece) if isinstance(piece, str) else signed_length(piece) for piece in self.pieces
        )

    def render(self, url_for: UrlFor) -> bytes:
        """Return the document with every reference to the film replaced by its URL."""
        if not self.pieces:
            return self.raw
        texts = [
            piece if isinstance(piece, str) else json.dumps(url_for(piece)) for piece in self.pieces
        ]
        return "".join(texts).encode()


def parse(body: bytes, *, path: str, film: FilmLocation, kind: Kind) -> JsonDocument:
    """Parse the document ``body``, stored at ``path`` (decoded) below the film's prefix.

    Bytes that are not UTF-8 are replaced as in players. A body that is not JSON is kept unchanged.
    Raises ``ManifestTooLarge`` above the limit on references.
    """
    try:
        # ``fetch`` and ``XMLHttpRequest`` decode JSON so, whatever encoding is declared.
        text = body.decode("utf-8-sig", errors="replace")
        json.loads(text)
    except (ValueError, RecursionError):
        return JsonDocument((), body)
    directory = path[: path.rfind("/") + 1]
    pieces: list[str | Reference] = []
    cut_to = 0
    name = ""
    for string in _STRING.finditer(text):
        if _COLON.match(text, string.end()):
            name = json.loads(string[0])
            continue
        reference = _reference(json.loads(string[0]), name, directory, film, kind)
        if reference is not None:
            pieces += (text[cut_to : string.start()], reference)
            cut_to = string.end()
            if len(pieces) > 2 * _MAX_REFERENCES:
                raise ManifestTooLarge(f"a document has more than {_MAX_REFERENCES} references")
    if not pieces:
        return JsonDocument((), body)
    return JsonDocument((*pieces, text[cut_to:]), body)


def _reference(
    value: str, name: str, directory: str, film: FilmLocation, kind: Kind
) -> Reference | None:
    """Return the film's object that the member's value refers to; None for any other value."""
    if not value or "\ufffd" in value or not _ADDRESS_NAME.fullmatch(name):
        return None
    address, _, query = value.partition("#")[0].partition("?")
    try:
        located = film.resolve(directory, address) if address else None
    except OutsideFilm:
        return None
    if located is None or not located.path or located.path.endswith("/"):
        return None
    if kind is Kind.ASSET_LIST and name == "URI" and _PLAYLIST.fullmatch(located.path):
        return Reference(located.path, is_manifest=True, query=query, is_inline=True)
    return Reference(located.path)
