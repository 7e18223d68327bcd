"""Where a reference in a manifest leads: to an object of the film, or elsewhere.

A reference is signed only when it resolves inside the film's own prefix. Resolution follows
RFC 3986 section 5; what browsers and S3 read differently from the RFC (backslashes, ``%2e%2e``,
control characters) is refused instead of guessed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin, urlsplit

from streaming.manifests.errors import OutsideFilm

_PLAIN_REFERENCE = re.compile(r"(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*[A-Za-z0-9_~-][A-Za-z0-9._~-]*")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
_PATH_SAFE = "/-_.~"


@dataclass(frozen=True, slots=True)
class Reference:
    """An object of the film that a manifest points to.

    ``path`` is the object's key below the film's prefix, percent-decoded (``audio/seg 1.m4s``).
    ``is_manifest`` tells that it is a nested manifest, whose signed copy must be addressed.
    ``fragment`` is the part after ``#`` as it stood, without the ``#``; empty when there is none.
    """

    path: str
    is_manifest: bool = False
    fragment: str = ""


UrlFor = Callable[[Reference], str]
"""Gives the absolute signed URL (ASCII, percent-encoded) to put in a reference's place."""


@dataclass(frozen=True, slots=True)
class Nested:
    """A manifest that another one refers to.

    ``path`` is its key below the film's prefix. ``variables`` are the parent's ``EXT-X-DEFINE``
    values, which an HLS media playlist may import.
    """

    path: str
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FilmLocation:
    """The absolute URLs that mean "inside this film".

    ``roots`` are URL prefixes of the film, percent-encoded, each ending in ``/``; the first is the
    one that relative references are resolved against.

    >>> film = FilmLocation(("https://s3.example/vod/movies/m1/",))
    >>> film.locate(film.join(film.url_of("video/index.m3u8"), "../audio/a.aac")).path
    'audio/a.aac'
    """

    roots: tuple[str, ...]

    def url_of(self, path: str) -> str:
        """Return the unsigned absolute URL of the object ``path`` (decoded) of this film."""
        return self.roots[0] + quote(path, safe=_PATH_SAFE)

    def join(self, base_url: str, reference: str) -> str:
        """Resolve ``reference`` against the absolute ``base_url`` (RFC 3986 section 5.2).

        Raises ``OutsideFilm`` for a backslash or a control character, which browsers read
        otherwise than the RFC does.
        """
        if "\\" in reference or _CONTROL_CHARACTER.search(reference):
            raise OutsideFilm(f"a reference holds a backslash or control character: {reference!r}")
        try:
            return urljoin(base_url, reference)
        except ValueError as error:
            raise OutsideFilm(f"a reference is no URL: {reference!r}") from error

    def locate(self, absolute_url: str) -> Reference | None:
        """Return the film's object that ``absolute_url`` names, or None for a foreign URL.

        The query is dropped: a signed URL has its own. Raises ``OutsideFilm`` when the URL is on
        the film's own host but not below its prefix.
        """
        address, _, fragment = absolute_url.partition("#")
        address = address.partition("?")[0]
        for root in self.roots:
            if address.startswith(root):
                return Reference(_decoded_path(address[len(root) :]), fragment=fragment)
        if self._is_foreign(address):
            return None
        raise OutsideFilm(f"a reference leaves the film: {absolute_url!r}")

    def resolve(self, directory: str, reference: str) -> Reference | None:
        """Resolve ``reference`` as it stands in a manifest in ``directory`` of the film.

        ``directory`` is decoded and empty or ending in ``/``. Returns None for a foreign URL and
        raises ``OutsideFilm`` like ``join`` and ``locate``.
        """
        if _PLAIN_REFERENCE.fullmatch(reference):
            return Reference(directory + reference)
        return self.locate(self.join(self.url_of(directory), reference))

    def _is_foreign(self, address: str) -> bool:
        try:
            host = _host_and_port(address)
        except ValueError as error:
            raise OutsideFilm(f"a reference is no URL: {address!r}") from error
        return all(host != _host_and_port(root) for root in self.roots)


def _host_and_port(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _decoded_path(encoded: str) -> str:
    try:
        path = unquote(encoded, errors="strict")
    except UnicodeDecodeError as error:
        raise OutsideFilm(f"a reference is not UTF-8: {encoded!r}") from error
    if _CONTROL_CHARACTER.search(path) or "\\" in path:
        raise OutsideFilm(f"a reference holds a backslash or control character: {encoded!r}")
    if any(segment in (".", "..") for segment in path.split("/")):
        raise OutsideFilm(f"a reference leaves the film: {encoded!r}")
    return path
