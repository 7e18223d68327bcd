"""Parses a playlist into pieces of text and references to objects of the film."""

import codecs
import re
from collections.abc import Mapping
from types import MappingProxyType

from streaming.manifests.errors import ManifestTooLarge, NotAManifest
from streaming.manifests.hls.limits import MAX_BYTES
from streaming.manifests.hls.manifest import HlsManifest
from streaming.manifests.hls.reader import Reader
from streaming.manifests.hls.variables import Variables
from streaming.manifests.references import FilmLocation

# The header is the first line. Comments before it are accepted, as players accept them.
_BEFORE_HEADER = re.compile(r"[ \t]*(?:#(?!EXT)[^\r\n]*)?[\r\n]+")
_HEADER = re.compile(r"[ \t]*#EXTM3U(?!\S)[^\r\n]*")

_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


def parse(
    body: bytes,
    *,
    path: str,
    film: FilmLocation,
    variables: Mapping[str, str] = _NO_VARIABLES,
    query: str = "",
    missing: frozenset[tuple[str, str]] = frozenset(),
    too_long: frozenset[tuple[str, str]] = frozenset(),
) -> HlsManifest:
    """Parse the playlist ``body``, stored at ``path`` (decoded) below the film's prefix.

    ``variables`` are those of the parent playlist, for ``EXT-X-DEFINE:IMPORT``; ``query`` is the
    query of the reference to this playlist, without ``?``, for ``EXT-X-DEFINE:QUERYPARAM``.
    References to the playlists in ``missing``, each a path and a query, are left out, together
    with their variants and renditions, and so are those that no object can have as a name.
    References to the copies in ``too_long`` are left out where they would be embedded.

    Raises ``NotAManifest`` if ``body`` is not a playlist or no variant is left, ``OutsideFilm`` for
    a reference that leaves the film and ``ManifestTooLarge`` above the limits.
    """
    if len(body) > MAX_BYTES:
        raise ManifestTooLarge(f"the playlist has more than {MAX_BYTES} bytes")
    text = _decoded(body)
    begins_at = _end_of_header(text)
    reader = Reader(text, path, film, Variables(variables, query), missing, too_long)
    duration = reader.read(begins_at)
    unreadable = tuple(reader.unreadable)
    if reader.leaves_out:
        text = reader.remaining()
        reader = Reader(text, path, film, Variables(variables, query))
        duration = reader.read(begins_at)
    return reader.manifest(duration, tuple(variables.items()), unreadable)


def _decoded(body: bytes) -> str:
    """Return the text as browsers decode it, by its byte order mark (WHATWG Encoding, "decode").

    A title in another encoding is displayed wrongly, and the film plays.
    """
    is_utf16 = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return body.decode("utf-16" if is_utf16 else "utf-8", errors="replace")


def _end_of_header(text: str) -> int:
    position = int(text.startswith("\ufeff"))
    while comment := _BEFORE_HEADER.match(text, position):
        position = comment.end()
    header = _HEADER.match(text, position)
    if header is None:
        raise NotAManifest("the playlist does not start with #EXTM3U")
    return header.end()
