"""Compares a parser's views of a manifest before and after rewriting."""

import re
from collections.abc import Iterator
from math import isclose
from typing import Any

from tools.corpus.addresses import Address, Addresses

_URL_NAME = re.compile(r"uri|url|x_?asset_?list|steering", re.IGNORECASE)
_NOT_URL_NAME = re.compile(r"scheme_?id_?uri", re.IGNORECASE)


def differences(
    before: Any, after: Any, addresses: Addresses, place: str = "", name: str = ""
) -> Iterator[str]:
    """Yield a description of each difference between two views, other than signatures.

    A string with the name of a URL must refer to the same object, and must be signed if that
    belongs to the film; every other value must be equal.
    """
    if name == "contentSteering" and _is_left_out(before, after, addresses):
        return
    if "locations" in place:
        yield from _relocated(before, after, addresses, place)
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            inner = (before.get(key), after.get(key))
            yield from differences(*inner, addresses, f"{place}.{key}", str(key))
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{place}: {len(before)} items became {len(after)}"
        for index, inner in enumerate(zip(before, after, strict=False)):
            yield from differences(*inner, addresses, f"{place}[{index}]", name)
    elif isinstance(before, str) and isinstance(after, str) and _is_url(name):
        yield from _misled(before.strip('"'), after.strip('"'), addresses, place)
    elif not _are_equal(before, after):
        yield f"{place}: {str(before)[:80]!r} became {str(after)[:80]!r}"


def _is_left_out(before: Any, after: Any, addresses: Addresses) -> bool:
    """Return whether a steering server in the film was removed: players add a query to its URL."""
    return (
        after is None
        and isinstance(before, dict)
        and addresses.of(str(before.get("serverURL", ""))).path is not None
    )


def _are_equal(before: Any, after: Any) -> bool:
    if isinstance(before, float) and isinstance(after, int | float):
        return isclose(before, after, abs_tol=1e-6)
    return bool(before == after)


def _relocated(before: Any, after: Any, addresses: Addresses, place: str) -> Iterator[str]:
    """Compare locations of the manifest: one in the film must be that of its signed copy."""
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for each in zip(before, after, strict=True):
            yield from _relocated(*each, addresses, place)
    elif isinstance(before, dict) and isinstance(after, dict):
        yield from _relocated(before.get("text", ""), after.get("text", ""), addresses, place)
    elif addresses.of(before).path is None:
        if before != after:
            yield f"{place}: {before[:80]!r} became {after[:80]!r}"
    elif addresses.of(after) != Address(addresses.path, "", is_signed=True):
        yield f"{place}: not this manifest's copy: {after[:80]!r}"


def _is_url(name: str) -> bool:
    return bool(_URL_NAME.search(name)) and not _NOT_URL_NAME.search(name)


def _misled(before: str, after: str, addresses: Addresses, place: str) -> Iterator[str]:
    meant, found = addresses.of(before), addresses.of(after)
    if meant.path is not None and not found.is_signed:
        yield f"{place}: not signed: {after[:80]!r}"
    elif (meant.path, meant.text) != (found.path, found.text):
        yield f"{place}: {before[:80]!r} became {after[:80]!r}"
