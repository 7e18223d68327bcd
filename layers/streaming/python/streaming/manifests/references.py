"""Resolution of a manifest's references to objects of the film or to foreign URLs.

A reference is signed only if it resolves inside the film's own prefix. Resolution follows RFC 3986
section 5. Browsers follow the WHATWG URL standard, which resolves some references differently
(backslashes, ``%2e%2e``, control characters, a scheme without ``//``); these are refused.
``urllib.parse.urljoin`` is unsuitable: it drops empty path segments, which S3 keys may contain, and
its results differ between versions of Python.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple
from urllib.parse import quote, unquote

from streaming.manifests.errors import NotUtf8, OutsideFilm

_PLAIN_REFERENCE = re.compile(r"(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*[A-Za-z0-9_~-][A-Za-z0-9._~-]*")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
_PATH_SAFE = "/~"

# RFC 3986 appendix B, with the scheme's own grammar: scheme, authority, path, query, fragment.
_PARTS = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Reference(NamedTuple):
    """A reference from a manifest to an object of the film.

    ``path`` is the object's key below the film's prefix, percent-decoded (``audio/seg 1.m4s``).
    ``is_manifest`` means that the object is a nested manifest, or a document that contains
    references, and that the URL must be that of its signed copy. ``is_inline`` means that players
    append a query to the URL, which would invalidate a signature, so the copy is embedded as a
    ``data:`` URL. ``fragment`` is the part after ``#`` as written, without the ``#``, or empty.
    ``query`` is set for a nested HLS playlist only, because the playlist may import its parameters
    as variables: one playlist with two different queries has two different copies.
    """

    path: str
    is_manifest: bool = False
    fragment: str = ""
    query: str = ""
    is_inline: bool = False


_SIGNED_URL_LENGTH = 500


def signed_length(reference: Reference) -> int:
    """Return the approximate length of the reference's signed URL in characters."""
    return _SIGNED_URL_LENGTH + len(quote(reference.path, safe=_PATH_SAFE))


UrlFor = Callable[[Reference], str]
"""Returns the absolute signed URL (ASCII, percent-encoded) that replaces a reference."""


class Kind(Enum):
    """The format of a nested manifest or document, which selects its parser.

    ``JSON`` refers to objects of the film. ``ASSET_LIST`` is the JSON of an HLS interstitial and
    refers to playlists.
    """

    MANIFEST = "manifest"
    JSON = "json"
    ASSET_LIST = "asset list"


@dataclass(frozen=True, slots=True)
class Nested:
    """A manifest or document that another one refers to.

    ``path`` is its key below the film's prefix. ``variables`` are the parent's ``EXT-X-DEFINE``
    values, which an HLS media playlist may import; ``query`` holds the query parameters of its URL,
    which it may also import.
    """

    path: str
    variables: tuple[tuple[str, str], ...] = ()
    query: str = ""
    kind: Kind = Kind.MANIFEST


@dataclass(frozen=True, slots=True)
class FilmLocation:
    """The URL prefixes of a film.

    ``roots`` are percent-encoded absolute URLs, each ending in ``/``. Relative references are
    resolved against the first one.

    >>> film = FilmLocation(("https://s3.example/vod/movies/m1/",))
    >>> film.locate(film.join(film.url_of("video/index.m3u8"), "../audio/a.aac")).path
    'audio/a.aac'
    """

    roots: tuple[str, ...]

    def __post_init__(self) -> None:
        """Normalize the roots. Raises ``ValueError`` for one that is not an http(s) prefix."""
        for root in self.roots:
            if not re.match(r"https?://[^/?#@]+/", root) or not root.endswith("/"):
                raise ValueError(f"not the URL of a film's prefix: {root!r}")
        object.__setattr__(self, "roots", tuple(_joined("", root) for root in self.roots))

    def url_of(self, path: str) -> str:
        """Return the unsigned absolute URL of the object ``path`` (decoded) of this film."""
        return self.roots[0] + quote(path, safe=_PATH_SAFE)

    def join(self, base_url: str, reference: str) -> str:
        """Resolve ``reference`` against the absolute ``base_url`` (RFC 3986 section 5.2).

        A reference with a scheme other than http(s) is returned unchanged. Raises ``OutsideFilm``
        for a reference that browsers and the RFC resolve differently.
        """
        return _joined(base_url, reference)

    def locate(self, absolute_url: str) -> Reference | None:
        """Return the film's object that ``absolute_url`` names, or None for a foreign URL.

        The query is dropped, because a signed URL has its own. Raises ``OutsideFilm`` if the URL
        is on the film's host but not below its prefix, or if its path is ambiguous or not UTF-8.
        """
        address, _, fragment = absolute_url.partition("#")
        address = address.partition("?")[0]
        for root in self.roots:
            if address.startswith(root):
                return Reference(_decoded_path(address[len(root) :]), fragment=fragment)
        if any(_origin(address) == _origin(root) for root in self.roots):
            raise OutsideFilm(f"a reference leaves the film: {absolute_url!r}")
        return None

    def resolve(self, directory: str, reference: str) -> Reference | None:
        """Resolve ``reference``, as written in a manifest in ``directory`` of the film.

        ``directory`` is percent-decoded, and empty or ending in ``/``. Returns None for a foreign
        URL. Raises ``OutsideFilm`` like ``join`` and ``locate``.
        """
        if _PLAIN_REFERENCE.fullmatch(reference):
            return Reference(directory + reference)
        return self.locate(_joined(self.url_of(directory), reference))


def _joined(base_url: str, reference: str) -> str:
    reference = reference.strip(" ")
    scheme, authority, path, query, fragment = _split(reference)
    if scheme is not None and scheme.lower() not in _DEFAULT_PORTS:
        return reference
    _refuse_ambiguous(reference, scheme, authority, path)
    base_scheme, base_authority, base_path, base_query, _ = _split(base_url)
    if authority is None:
        authority = base_authority
        if not path:
            path = base_path
            query = base_query if query is None else query
        elif not path.startswith("/"):
            path = base_path[: base_path.rfind("/") + 1] + path
    scheme = (scheme or base_scheme or "").lower()
    query = "" if query is None else f"?{query}"
    fragment = "" if fragment is None else f"#{fragment}"
    address = f"{scheme}://{_normalized_authority(scheme, authority or '')}"
    return f"{address}{_without_dot_segments(path) or '/'}{query}{fragment}"


def _split(url: str) -> tuple[str | None, str | None, str, str | None, str | None]:
    match = _PARTS.fullmatch(url)
    assert match is not None, "every string has this form"
    scheme, authority, path, query, fragment = match.groups()
    return scheme, authority, path, query, fragment


def _refuse_ambiguous(reference: str, scheme: str | None, authority: str | None, path: str) -> None:
    if _CONTROL_CHARACTER.search(reference) or "\\" in path or "\\" in (authority or ""):
        raise OutsideFilm(f"a reference contains a backslash or control character: {reference!r}")
    if (authority == "" and path) or (scheme is not None and authority is None):
        # Browsers read a host from "https:///host/x" and a path from "https:x"; "//" is invalid.
        raise OutsideFilm(f"a reference has a scheme but no host: {reference!r}")


def _normalized_authority(scheme: str, authority: str) -> str:
    userinfo, at, host = authority.rpartition("@")
    host = host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, ":")).removesuffix(":")
    return f"{userinfo}{at}{host}"


def _without_dot_segments(path: str) -> str:
    """Remove ``.`` and ``..`` segments (RFC 3986 section 5.2.4) from a path that starts with /."""
    if "/." not in path:
        return path
    segments = path.split("/")
    kept: list[str] = []
    for segment in segments[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _origin(url: str) -> tuple[str, str]:
    """Return the normalized scheme and host of ``url``, without user information."""
    scheme, authority, *_ = _split(url)
    scheme = (scheme or "").lower()
    return scheme, _normalized_authority(scheme, authority or "").rpartition("@")[2]


def _decoded_path(encoded: str) -> str:
    try:
        path = unquote(encoded, errors="strict")
    except UnicodeDecodeError as error:
        raise NotUtf8(f"a reference is not UTF-8: {encoded!r}") from error
    if _CONTROL_CHARACTER.search(path) or "\\" in path:
        raise OutsideFilm(f"a reference contains a backslash or control character: {encoded!r}")
    if any(segment in (".", "..") for segment in path.split("/")):
        raise OutsideFilm(f"a reference leaves the film: {encoded!r}")
    return path
