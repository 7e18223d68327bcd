"""Parses the body of a request as JSON, stricter than the standard library."""

import json
from typing import Any

from streaming.domain.errors import InvalidJson

_MOST_LEVELS = 200


def parse_json(body: bytes) -> Any:
    """Return the value of ``body``; an empty body counts as ``{}``.

    Raises ``InvalidJson`` if it is not JSON (RFC 8259) in UTF-8, has lone surrogates, which cannot
    be stored, or has more than 200 levels. ``NaN`` and ``Infinity`` are accepted as numbers.
    """
    try:
        text = body.strip().decode() or "{}"
        value = json.loads(text)
        # Most bodies cannot have either problem, which takes a second parse to find.
        if "\\u" in text or text.count("[") + text.count("{") > _MOST_LEVELS:
            _examine(text)
    except (ValueError, RecursionError):
        raise InvalidJson("the body is not valid JSON") from None
    return value


def _examine(text: str) -> None:
    """Raise ``ValueError`` for lone surrogates and too many levels, also in repeated members."""
    value = json.loads(text, object_pairs_hook=list)
    json.dumps(value, ensure_ascii=False).encode()
    level = [value]
    for _ in range(_MOST_LEVELS):
        level = [child for each in level for child in _children(each)]
    if level:
        raise ValueError("the body has too many levels")


def _children(value: Any) -> list[Any]:
    """Return the elements of an array, or the values of an object given as pairs."""
    if not isinstance(value, list):
        return []
    return [each[1] if isinstance(each, tuple) else each for each in value]
