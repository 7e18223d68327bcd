"""Rewrites DASH manifests (MPD) so that every URL of an object of the film is signed.

A SigV4 signature is valid for one object, so a URL template cannot be signed: templates are
expanded to segment lists with one URL per segment. All other bytes stay unchanged.

Players require that no inherited ``SegmentTemplate`` is left, that each ``SegmentURL`` has its own
``S`` (dash.js looks segments up by the element's index), that no ``@duration`` occurs beside a
timeline (video.js throws), and that no URL contains ``$`` (players expand templates last).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from streaming.manifests.dash.base_urls import Base
from streaming.manifests.dash.document import read
from streaming.manifests.dash.links import BASE_URL, PERIOD_LENGTH, TEXT_OF
from streaming.manifests.dash.markup import escaped
from streaming.manifests.dash.presentation import Presentation
from streaming.manifests.dash.splices import Piece
from streaming.manifests.errors import NotAManifest
from streaming.manifests.references import (
    FilmLocation,
    Nested,
    Reference,
    UrlFor,
    signed_length,
)

_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DashManifest:
    """A parsed MPD, ready to be rendered with signed URLs."""

    nested: tuple[Nested, ...]
    duration_seconds: float | None
    pieces: tuple[Piece, ...]

    @property
    def embedded(self) -> Mapping[Reference, int]:
        """Nothing: players append no query to URLs of a signed MPD."""
        return {}

    @property
    def left_out(self) -> tuple[str, ...]:
        """Nothing: a reference that names no object makes the MPD invalid."""
        return ()

    @property
    def rendered_bytes(self) -> int:
        """The approximate size of the signed manifest in bytes."""
        return sum(
            len(piece) if isinstance(piece, bytes) else signed_length(piece)
            for piece in self.pieces
        )

    def render(self, url_for: UrlFor) -> bytes:
        """Return the MPD with every reference to the film replaced by its URL.

        ``url_for`` is called once per object; the reference's fragment is appended to its URL.
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
    missing: frozenset[tuple[str, str]] = frozenset(),
) -> DashManifest:
    """Parse an MPD or a remote element and find every reference that must be signed.

    ``path`` is its own key below the film's prefix, decoded. ``variables`` are those of the
    ``Nested`` that refers to it: a player inserts a remote element (``xlink:href``) into the
    manifest, so its references resolve against the base of that manifest. References to the
    manifests in ``missing``, each a path and a query, are left out: an element has its own content
    instead of a missing remote one, or is removed if it has none.

    Raises ``NotAManifest``, ``OutsideFilm`` or ``ManifestTooLarge``.
    """
    is_remote = BASE_URL in variables
    document = read(body, TEXT_OF, is_remote=is_remote)
    home = Base.at(film, variables.get(BASE_URL, film.url_of(path)))
    presentation = Presentation(document, path, home, missing)
    start, end = 0, len(document.source)
    if is_remote:
        length = variables.get(PERIOD_LENGTH)
        presentation.rewrite_remote(None if length is None else int(length))
        start, end = document.root.content_start, document.root.content_end
    elif document.root.name == "MPD":
        presentation.rewrite()
    else:
        raise NotAManifest(f"the root element is not MPD: {document.root.name[:40]!r}")
    pieces = presentation.edits.splice(document.source, start, end)
    nested = tuple(presentation.links.nested.values())
    return DashManifest(nested, presentation.duration_seconds, tuple(pieces))


def _in_xml(url: str) -> bytes:
    """Return ``url`` escaped for XML and without ``$``, which players read as a template."""
    return escaped(url.replace("$", "%24"))
