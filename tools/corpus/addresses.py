"""Resolves the URLs of a manifest before and after rewriting, like browsers.

The judges must not share code with the rewriter, which resolves references itself. Here URLs are
resolved by Ada, Node.js's parser for the WHATWG URL standard.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import parse_qsl, quote, unquote

import ada_url

from streaming.manifests.references import FilmLocation, Reference

ROOT = "https://films.example/"
DIRECTORY = "as/deep/as/any/manifest/refers/upward/from/here/"
"""The directory of every judged manifest.

Public manifests contain ``../`` and ``/absolute`` references on unknown hosts. Therefore each is
judged as if its film were a whole host, with the manifest deep inside: every reference except those
to other hosts is then inside the film and must be signed.
"""

_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
_SIGNED = "https://signed.example/"
_OTHER_HOST = re.compile(r"\bhttps?://[A-Za-z0-9.-]+(?::[0-9]+)?/", re.IGNORECASE)


def sign(reference: Reference) -> str:
    """Return a URL that identifies its object and contains characters that XML must escape."""
    kind = "copy" if reference.is_manifest else "object"
    query = f"&{reference.query}" if reference.query else ""
    return f"{_SIGNED}{kind}/{quote(reference.path)}?signature=1&expires=2{query}"


def hosts_in(text: str) -> tuple[str, ...]:
    """Return the root URL of every host in ``text``, each once."""
    return tuple(dict.fromkeys(host.lower() for host in _OTHER_HOST.findall(text)))


def defined_in(text: str, query: str) -> dict[str, str]:
    """Return the variables that an HLS playlist defines if it is loaded with ``query``."""
    defined: dict[str, str] = {}
    for tag in re.findall(r"^#EXT-X-DEFINE:(.*)", text, re.MULTILINE):
        attributes = dict(re.findall(r'([A-Z]+)="([^"]*)"', tag))
        if "NAME" in attributes:
            defined[attributes["NAME"]] = attributes.get("VALUE", "")
        elif "QUERYPARAM" in attributes:
            name = attributes["QUERYPARAM"]
            defined[name] = dict(parse_qsl(query)).get(name, "")
    return defined


@dataclass(frozen=True, slots=True)
class Address:
    """The target of a URL: an object of the film, by path and fragment, or a foreign URL."""

    path: str | None
    text: str
    is_signed: bool = False


class Addresses:
    """Resolves the URLs of one manifest at ``path`` of a film with these ``roots``.

    ``variables`` are those of HLS, because most parsers do not substitute them.
    """

    def __init__(
        self,
        path: str,
        roots: Iterable[str] = (ROOT,),
        variables: Mapping[str, str] = _NO_VARIABLES,
        query: str = "",
    ) -> None:
        self.path = path
        self.film = FilmLocation(tuple(roots))
        self.url = ROOT + quote(path) + (f"?{query}" if query else "")
        self._variables = variables
        self._roots = tuple(ada_url.URL(root).href for root in roots)

    def joined(self, url: str, base: str) -> str:
        """Return ``url`` resolved against the absolute ``base``, unchanged if it is invalid."""
        try:
            return ada_url.URL(url, base).href
        except ValueError:
            return url

    def of(self, url: str, base: str | None = None) -> Address:
        """Return the target of ``url``, resolved against ``base`` or else the manifest's URL."""
        for name, value in self._variables.items():
            url = url.replace(f"{{${name}}}", value)
        if not url.strip():
            return Address(None, url)
        if url.startswith(_SIGNED):
            path, _, rest = url.removeprefix(_SIGNED).partition("/")[2].partition("?")
            return Address(unquote(path), unquote(rest.partition("#")[2]), is_signed=True)
        address, _, fragment = self.joined(url, base or self.url).partition("#")
        for root in self._roots:
            if address.startswith(root):
                path = unquote(address.removeprefix(root).partition("?")[0])
                return Address(path, unquote(fragment))
        return Address(None, url)
