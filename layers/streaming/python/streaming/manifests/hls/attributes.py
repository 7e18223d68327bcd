"""Attribute lists, the ``NAME=value,NAME="value"`` after a tag, with the place of every value."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from streaming.manifests.errors import NotAManifest

_ATTRIBUTE = re.compile(
    r"""[ \t]*+ ( [^\s=,"]++ ) [ \t]*+ = [ \t]*+      # the name
        (?: "([^"]*+)" | ([^",][^,]*+)?+ ) [ \t]*+    # the value, quoted or bare
        (?: , | $ )""",
    re.VERBOSE,
)


class Attribute(NamedTuple):
    """One attribute: ``value`` without its quotes, at ``[value_start, value_end)`` of the text.

    ``[start, end)`` is the whole of it, from the name to the closing quote.
    """

    name: str
    value: str
    value_start: int
    value_end: int
    start: int
    end: int


def attributes(text: str, start: int, end: int) -> Iterator[Attribute]:
    """Yield the attributes of the list at ``[start, end)`` of ``text``, in their order.

    Raises ``NotAManifest`` where the list breaks the grammar: a quote without its end, or text
    that is no attribute.
    """
    while start < end:
        match = _ATTRIBUTE.match(text, start, end)
        if match is None:
            if text[start:end].isspace():
                return
            raise NotAManifest(f"a broken attribute list: {text[start:end][:80]!r}")
        quoted = match.start(2) >= 0
        value = match[2] if quoted else (match[3] or "").rstrip(" \t")
        value_start = match.start(2) if quoted else match.start(3)
        value_end = value_start + len(value)
        yield Attribute(match[1], value, value_start, value_end, match.start(1), value_end + quoted)
        start = match.end()
