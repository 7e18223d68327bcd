"""Rewrites DASH manifests (MPD) so that every URL inside the film is a signed one.

A SigV4 signature belongs to one object, so a template of URLs cannot be signed: templates are
written out as segment lists, one URL a segment. Everything that is no URL stays byte for byte.

What players need there: no inherited ``SegmentTemplate`` left, one ``S`` a ``SegmentURL`` (dash.js
looks segments up by the element's index), never ``@duration`` beside a timeline (video.js throws),
and no ``$`` in a URL (players fill templates in at the very end).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from streaming.manifests.dash.document import read
from streaming.manifests.dash.edits import Piece
from streaming.manifests.dash.markup import escaped
from streaming.manifests.dash.presentation import TEXT_OF, Presentation
from streaming.manifests.errors import NotAManifest
from streaming.manifests.references import FilmLocation, Nested, Reference, UrlFor

_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DashManifest:
    """A parsed MPD, ready to be rendered with signed URLs."""

    nested: tuple[Nested, ...]
    duration_seconds: float | None
    pieces: tuple[Piece, ...]

    def render(self, url_for: UrlFor) -> bytes:
        """Return the MPD with every in-film reference replaced by its URL.

        ``url_for`` is called once per object; a reference's fragment is put back behind its URL.
        """
        urls: dict[tuple[str, bool], bytes] = {}
        rendered: list[bytes] = []
        for piece in self.pieces:
            if isinstance(piece, bytes):
                rendered.append(piece)
                continue
            key = (piece.path, piece.is_manifest)
            url = urls.get(key)
            if url is None:
                url = urls[key] = _in_xml(url_for(Reference(*key)))
            rendered.append(url)
            if piece.fragment:
                rendered.append(_in_xml("#" + piece.fragment))
        return b"".join(rendered)


def parse(
    body: bytes,
    *,
    path: str,
    film: FilmLocation,
    variables: Mapping[str, str] = _NO_VARIABLES,
) -> DashManifest:
    """Parse an MPD and find everything in it that has to be signed.

    ``path`` is its own key below the film's prefix, decoded. Raises ``NotAManifest``,
    ``OutsideFilm`` or ``ManifestTooLarge``.
    """
    document = read(body, TEXT_OF)
    if document.root.name != "MPD":
        raise NotAManifest(f"the root element is no MPD: {document.root.name[:40]!r}")
    presentation = Presentation(document, path, film)
    presentation.rewrite()
    pieces = presentation.edits.splice(document.source, 0, len(document.source))
    nested = tuple(presentation.nested.values())
    return DashManifest(nested, presentation.duration_seconds, tuple(pieces))


def _in_xml(url: str) -> bytes:
    """Return a URL as players read it: they would take a ``$`` for the start of a template."""
    return escaped(url.replace("$", "%24"))
