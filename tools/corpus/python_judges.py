"""The views of the PyPI parsers on a manifest."""

import json
import re
from collections.abc import Callable
from typing import Any
from xml.dom import minidom
from xml.parsers.expat import ExpatError

import m3u8
import openm3u8
from mpegdash.nodes import MPEGDASH
from mpegdash.utils import parse_child_nodes

from tools.corpus import segments
from tools.corpus.addresses import Addresses

# The URLs of segments are compared only by the judges that resolve them.
_ADDRESSING = re.compile(r"segment_(templates|lists|bases)|base_urls|segment_?urls")

View = Callable[[str, Addresses], Any]


class Rejected(ValueError):
    """The parser does not accept the manifest."""


def _of_m3u8(text: str, _: Addresses) -> Any:
    return _without_key_list(m3u8.loads(text).data)


def _of_openm3u8(text: str, _: Addresses) -> Any:
    return _without_key_list(openm3u8.loads(text).data)


def _without_key_list(data: dict[str, Any]) -> Any:
    """Drop the list of distinct keys; every segment has its key as well.

    Two URLs of one object with different queries are two keys before rewriting and one after it.
    """
    return json.loads(json.dumps({**data, "keys": None}, default=str))


def _of_mpegdash(text: str, _: Addresses) -> Any:
    try:
        document = minidom.parseString(text.encode())  # noqa: S318  (see segments.py)
    except ExpatError as error:
        raise Rejected(f"broken XML: {error}") from error
    roots = parse_child_nodes(document, "MPD", MPEGDASH)
    if not roots:
        raise Rejected("no MPD element")
    return _plain(roots[0])


def _plain(node: Any) -> Any:
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not hasattr(node, "__dict__"):
        return node
    return {
        name: _plain(value)
        for name, value in vars(node).items()
        if value is not None and not _ADDRESSING.fullmatch(name)
    }


JUDGES: dict[str, dict[str, View]] = {
    "hls": {"m3u8": _of_m3u8, "openm3u8": _of_openm3u8},
    "dash": {"mpegdash": _of_mpegdash, "the standard": segments.view},
}


def see(manifest_format: str, text: str, addresses: Addresses) -> dict[str, Any]:
    """Return each parser's result by its name: ``{"view": ...}`` or ``{"error": "..."}``."""
    seen: dict[str, Any] = {}
    for name, view in JUDGES[manifest_format].items():
        try:
            seen[name] = {"view": view(text, addresses)}
        except segments.Endless as error:
            seen[name] = {"error": str(error), "endless": True}
        except Exception as error:  # noqa: BLE001  (parsers raise arbitrary exceptions)
            seen[name] = {"error": f"{type(error).__name__}: {error}"[:120]}
    return seen
