"""Lines up the representations that a parser sees before and after.

A representation may be offered at several places. The rewriter signs the first that is in the
film, so afterwards all alternatives have to be that one; foreign ones all stay.
"""

from typing import Any

from tools.corpus.addresses import Addresses

_IDENTITY = ("id", "bandwidth", "mimeType", "codecs", "lang", "periodStart", "width", "height")


def aligned(before: Any, after: Any, addresses: Addresses) -> tuple[Any, Any]:
    """Return both views with one entry a representation, the one that counts."""
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
