"""Finds URLs of the film that were left unsigned, in tags and elements that parsers overlook."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from tools.corpus.addresses import Addresses

# Any attribute of a tag of HLS that could be a URI, whether or not the tag is known.
_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)\s*=\s*(?:"([^"]*)"|([^",]*))')
_URL_NAME = re.compile(r".*UR[IL]|.*ASSET-LIST")
_TEXT_URLS = ("BaseURL", "Location", "PatchLocation", "ContentSteering", "ImportedMPD")
_ATTRIBUTE_URLS = (
    *("media", "index", "sourceURL", "initialization", "moreInformationURL"),
    "{http://www.w3.org/1999/xlink}href",
)


def unsigned(manifest_format: str, rewritten: str, addresses: Addresses) -> Iterator[str]:
    """Yield every place of a rewritten manifest where a URL of the film is not a signed one."""
    find = _in_hls if manifest_format == "hls" else _in_dash
    for place, url in find(rewritten, addresses):
        found = addresses.of(url)
        if found.path is not None and not found.is_signed:
            yield f"{place}: {url[:80]!r}"


def _in_hls(text: str, _: Addresses) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")), start=1):
        if line.strip() and not line.strip().startswith("#"):
            yield f"line {number}", line
        elif line.strip().startswith("#EXT"):
            for name, quoted, bare in _ATTRIBUTE.findall(line.partition(":")[2]):
                if _URL_NAME.fullmatch(name):
                    yield f"line {number}, {name}", quoted or bare


def _in_dash(text: str, addresses: Addresses) -> Iterator[tuple[str, str]]:
    def below(element: ET.Element, base: str) -> Iterator[tuple[str, str]]:
        children = list(element)
        for child in children:
            name = str(child.tag).rpartition("}")[2]
            if name in _TEXT_URLS and (child.text or "").strip():
                yield name, addresses.joined((child.text or "").strip(), base)
        for name in _ATTRIBUTE_URLS:
            if name in element.attrib:
                yield name, addresses.joined(element.attrib[name], base)
        first = next((e for e in children if str(e.tag).endswith("BaseURL")), None)
        inner = base if first is None else addresses.joined((first.text or "").strip(), base)
        for child in children:
            if not str(child.tag).endswith("ContentProtection"):
                yield from below(child, inner)

    yield from below(ET.fromstring(text.encode()), addresses.url)  # noqa: S314  (see segments.py)
