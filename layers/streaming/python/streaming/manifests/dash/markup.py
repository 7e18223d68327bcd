"""The XML that the rewriter generates."""

from collections.abc import Collection, Iterable

from streaming.manifests.dash.document import Document, Element
from streaming.manifests.dash.splices import Edits, Piece


def escaped(text: str) -> bytes:
    """Return ``text`` escaped for an attribute or an element, in ASCII for every encoding."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").encode("ascii", "xmlcharrefreplace")


def attribute_pieces(name: str, *value: Piece) -> list[Piece]:
    """Return the pieces of ``name="value"``."""
    return [f'{name}="'.encode(), *value, b'"']


def replace_attribute(
    document: Document, edits: Edits, element: Element, name: str, *value: Piece
) -> None:
    """Replace the value of the attribute written as ``name``."""
    start, end = document.attribute_spans(element)[name]
    edits.replace(start, end, attribute_pieces(name, *value))


def replace_text(document: Document, edits: Edits, element: Element, text: Piece) -> None:
    """Replace the content of the element by ``text``."""
    fill(document, edits, element, [text], element.content_start, element.content_end)


def fill(
    document: Document,
    edits: Edits,
    element: Element,
    pieces: Iterable[Piece],
    start: int,
    end: int,
) -> None:
    """Replace ``[start, end)`` of the element's content by ``pieces``.

    An empty-element tag (``<name/>``) becomes a start tag and an end tag.
    """
    if document.is_self_closing(element):
        closing = b"</" + document.tag_name(element) + b">"
        edits.replace(element.end - 2, element.end, [b">", *pieces, closing])
    else:
        edits.replace(start, end, pieces)


def merged_attributes(
    document: Document, levels: Collection[Element], without: Collection[str] = ()
) -> dict[str, list[Piece]]:
    """Return the attributes of ``levels``, which are ordered innermost first, as written.

    Inner levels override outer ones; attributes named in ``without`` are left out.
    """
    merged: dict[str, list[Piece]] = {}
    for element in levels:
        for name, (start, end) in document.attribute_spans(element).items():
            if name not in without:
                merged.setdefault(name, [document.source[start:end]])
    return merged


def start_tag(name: bytes, attributes: dict[str, list[Piece]]) -> list[Piece]:
    """Return the pieces of a start tag."""
    tag: list[Piece] = [b"<" + name]
    for pieces in attributes.values():
        tag += [b" ", *pieces]
    return [*tag, b">"]
