"""JSON documents that a playlist refers to and that contain URLs of objects of the film.

These are chapters with pictures (``EXT-X-SESSION-DATA``,
https://developer.apple.com/documentation/http-live-streaming) and lists of assets
(``X-ASSET-LIST``, RFC 8216bis, appendix D.2). No schema covers all of them, so the name of a member
and the form of its value decide whether the value is a URL; see ``_is_address``. It is replaced if
it resolves to an object of the film. All other bytes stay unchanged.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

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
_TEXT_NAME = re.compile(
    r"(?:.*[-_])?(?:title|(?:file)?name|label|text|description|caption|comment|note|id|key)s?",
    re.IGNORECASE,
)
_FILE = re.compile(
    r"[^\s?#]+\.(?:jpe?g|jfif|a?png|webp|gif|avif|svg|hei[cf]|bmp|ico|tiff?|vtt|srt|ttml|m3u8?|json"
    r"|mp4|m4[av]|mov|webm|mp3|aac|ogg|opus|wav|flac|ts)(?:[?#]\S*)?",
    re.IGNORECASE,
)
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
            piece if isinstance(piece, str) else _string(piece, url_for) for piece in self.pieces
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
    member = _Member("")
    for string in _STRING.finditer(text):
        if _COLON.match(text, string.end()):
            member = _Member(json.loads(string[0]))
            continue
        reference = _reference(json.loads(string[0]), member, directory, film, kind)
        if reference is not None:
            pieces += (text[cut_to : string.start()], reference)
            cut_to = string.end()
            if len(pieces) > 2 * _MAX_REFERENCES:
                raise ManifestTooLarge(f"a document has more than {_MAX_REFERENCES} references")
    if not pieces:
        return JsonDocument((), body)
    return JsonDocument((*pieces, text[cut_to:]), body)


class _Member:
    """What the name of a member tells of its values; an array may have a million of them."""

    def __init__(self, name: str) -> None:
        self.is_uri = name == "URI"
        self.is_address = _ADDRESS_NAME.fullmatch(name) is not None
        self.is_text = _TEXT_NAME.fullmatch(name) is not None


def _string(reference: Reference, url_for: UrlFor) -> str:
    """Return the JSON string with the reference's URL and fragment."""
    url = url_for(reference._replace(fragment=""))
    return json.dumps(f"{url}#{reference.fragment}" if reference.fragment else url)


def _reference(
    value: str, member: _Member, directory: str, film: FilmLocation, kind: Kind
) -> Reference | None:
    """Return the film's object that the member's value refers to; None for any other value."""
    if not value or not _is_address(value, member, film) or not _is_utf8(value):
        return None
    address, _, fragment = value.partition("#")
    address, _, query = address.partition("?")
    try:
        located = film.resolve(directory, address) if address else None
    except OutsideFilm:
        return None
    if located is None or not located.path or located.path.endswith("/"):
        return None
    is_playlist = _PLAYLIST.fullmatch(located.path) is not None
    # An asset is a playlist, whatever its name (RFC 8216bis, appendix D.2).
    is_inline = kind is Kind.ASSET_LIST and member.is_uri
    if not is_playlist and (not is_inline or _FILE.fullmatch(quote(located.path))):
        return Reference(located.path, fragment=fragment)
    return Reference(
        located.path, is_manifest=True, fragment=fragment, query=query, is_inline=is_inline
    )


def _is_address(value: str, member: _Member, film: FilmLocation) -> bool:
    """Return whether the value is a URL.

    An absolute URL of the film is, whatever its member is called. Any value of a member that is
    called a URL is, and so is the name of a media file, unless the member is called a text.
    """
    if value.startswith(film.roots) or member.is_address:
        return True
    return not member.is_text and bool(_FILE.fullmatch(value))


def _is_utf8(value: str) -> bool:
    """Return whether the value has no bytes that were not UTF-8, and no lone surrogates."""
    return "\ufffd" not in value and not re.search("[\ud800-\udfff]", value)
