"""Aligns the representations in a parser's views before and after rewriting.

A representation may have several alternative locations. The rewriter signs the first one in the
film, so afterwards every alternative must equal it. Without one in the film, all of them stay.
"""

from typing import Any

from tools.corpus.addresses import Addresses

_IDENTITY = ("id", "bandwidth", "mimeType", "codecs", "lang", "periodStart", "width", "height")


def aligned(before: Any, after: Any, addresses: Addresses) -> tuple[Any, Any]:
    """Return both views with one entry per representation, the one in the film if there is one."""
    return _chosen(before, addresses), _chosen(after, addresses)


def _chosen(view: Any, addresses: Addresses) -> Any:
    if not isinstance(view, dict):
        return view
    kept: list[Any] = []
    last: tuple[object, ...] | None = None
    for each in view["representations"]:
        identity = tuple(str(each["attributes"].get(name)) for name in _IDENTITY)
        if identity != last:
            kept.append(each)
        elif not _is_ours(kept[-1], addresses) and _is_ours(each, addresses):
            kept[-1] = each
        last = identity
    return {**view, "representations": kept}


def _is_ours(representation: Any, addresses: Addresses) -> bool:
    segments = [*(representation.get("segments") or ()), representation.get("sidx") or {}]
    return any(addresses.of(each["uri"]).path is not None for each in segments if "uri" in each)
