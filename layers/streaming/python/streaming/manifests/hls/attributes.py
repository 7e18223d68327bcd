"""Attribute lists (``NAME=value,NAME="value"`` after a tag), with the position of every value."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_WITHOUT_COMMA = re.compile(r'"[ \t]*[A-Z0-9-]+=')
_CLOSING_QUOTE = re.compile(r'"[ \t]*(?:,|\Z)')


class Attribute(NamedTuple):
    """One attribute: ``value`` without its quotes, at ``[value_start, value_end)`` of the text.

    ``[start, end)`` is the whole attribute, from the name to the closing quote.
    """

    name: str
    value: str
    value_start: int
    value_end: int
    start: int
    end: int

    @property
    def is_quoted(self) -> bool:
        """Whether the value is between quotation marks."""
        return self.end > self.value_end


def is_ambiguous(attribute: Attribute) -> bool:
    """Return whether the end of the value is unknown.

    A quotation mark is missing, or the comma before the next attribute. Other quotation marks are
    part of the value.
    """
    if attribute.is_quoted:
        return _WITHOUT_COMMA.search(attribute.value) is not None
    return '"' in attribute.value


def attributes(text: str, start: int, end: int) -> Iterator[Attribute]:
    """Yield the attributes of the list at ``[start, end)`` of ``text``, in order.

    The rules are those of hls.js: a quoted value ends at a quotation mark that is followed by a
    comma or the end of the list, so it may contain other quotation marks. Text that is not an
    attribute is skipped. A value with an opening but no closing quotation mark is unquoted and
    includes the mark. Malformed text raises nothing.
    """
    is_closed = True
    while (equals := text.find("=", start, end)) >= 0:
        name_start = max(start, text.rfind(",", start, equals) + 1)
        name = text[name_start:equals].strip(" \t")
        name_start += text[name_start:equals].index(name) if name else 0
        value_start = equals + 1
        while value_start < end and text[value_start] in " \t":
            value_start += 1
        closing = None
        if is_closed and text.startswith('"', value_start, end):
            closing = _CLOSING_QUOTE.search(text, value_start + 1, end)
            is_closed = closing is not None
        if closing is not None:
            value_start += 1
            value = text[value_start : closing.start()]
            start = closing.end()
        else:
            comma = text.find(",", value_start, end)
            start = end if comma < 0 else comma + 1
            value = text[value_start : end if comma < 0 else comma].rstrip(" \t")
        value_end = value_start + len(value)
        if name:
            is_quoted = closing is not None
            yield Attribute(name, value, value_start, value_end, name_start, value_end + is_quoted)
