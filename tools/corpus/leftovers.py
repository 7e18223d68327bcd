"""Finds unsigned URLs of the film in tags and elements that the parsers ignore."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from tools.corpus.addresses import Addresses

# Any attribute of an HLS tag, known or unknown, that could be a URI.
_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)\s*=\s*(?:"([^"]*)"|([^",]*))')
_URL_NAME = re.compile(r".*UR[IL]|.*ASSET-LIST")
_TEXT_URLS = ("BaseURL", "Location", "PatchLocation", "ContentSteering", "ImportedMPD")
_SEGMENTS = ("SegmentTemplate", "SegmentList", "SegmentBase")
_ATTRIBUTE_URLS = (
    *("media", "index", "sourceURL", "initialization", "moreInformationURL"),
    "{http://www.w3.org/1999/xlink}href",
)


def unsigned(manifest_format: str, rewritten: str, addresses: Addresses) -> Iterator[str]:
    """Yield every position in a rewritten manifest with an unsigned URL of the film."""
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
    root = ET.fromstring(text.encode())  # noqa: S314  (see segments.py)
    yield from _below(root, addresses.url, addresses)


def _below(element: ET.Element, base: str, addresses: Addresses) -> Iterator[tuple[str, str]]:
    inner = _inside(element, base, addresses)
    for child in element:
        name = _name(child)
        if name in _TEXT_URLS and (child.text or "").strip():
            yield name, addresses.joined((child.text or "").strip(), base)
        if name in _SEGMENTS and _name(element) != "Representation":
            for leaf in dict.fromkeys(_leaves(element, base, addresses)):
                for each in child.iter():
                    yield from _attributes(each, leaf, addresses)
        elif name != "ContentProtection":
            yield from _attributes(child, inner, addresses)
            yield from _below(child, inner, addresses)


def _attributes(element: ET.Element, base: str, addresses: Addresses) -> Iterator[tuple[str, str]]:
    for attribute in _ATTRIBUTE_URLS:
        if attribute in element.attrib:
            yield attribute, addresses.joined(element.attrib[attribute], base)


def _leaves(element: ET.Element, base: str, addresses: Addresses) -> Iterator[str]:
    """Yield the base of every representation: segments of outer levels resolve against it."""
    inner = _inside(element, base, addresses)
    if _name(element) == "Representation":
        yield inner
    for child in element:
        yield from _leaves(child, inner, addresses)


def _inside(element: ET.Element, base: str, addresses: Addresses) -> str:
    given = (child.text or "" for child in element if _name(child) == "BaseURL")
    return addresses.joined(next(given, "").strip(), base)


def _name(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]
