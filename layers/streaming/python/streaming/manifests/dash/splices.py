"""Replacements of spans of the source bytes, and the resulting pieces.

A rewritten manifest is a list of pieces: bytes, and references to objects of the film that
rendering replaces by URLs.
"""

from collections.abc import Iterable
from operator import itemgetter

from streaming.manifests.references import Reference

Piece = bytes | Reference

_WHITE_SPACE = b" \t\r\n"


class Edits:
    """Replacements that do not overlap, collected in any order.

    >>> edits = Edits()
    >>> edits.replace(1, 3, [b"-"])
    >>> b"".join(edits.splice(b"abcde", 0, 5))
    b'a-de'
    """

    def __init__(self) -> None:
        self._edits: list[tuple[int, int, list[Piece]]] = []

    def replace(self, start: int, end: int, pieces: Iterable[Piece]) -> None:
        """Replace ``[start, end)`` by ``pieces``; an empty span inserts them."""
        self._edits.append((start, end, list(pieces)))

    def mark(self) -> int:
        """Return the number of replacements, for ``forget_since``."""
        return len(self._edits)

    def forget_since(self, mark: int) -> None:
        """Drop the replacements that were added after ``mark`` was taken."""
        del self._edits[mark:]

    def remove(self, source: bytes, start: int, end: int) -> None:
        """Remove ``[start, end)`` and the white space before it."""
        while start > 0 and source[start - 1] in _WHITE_SPACE:
            start -= 1
        self._edits.append((start, end, []))

    def splice(self, source: bytes, start: int, end: int) -> list[Piece]:
        """Return ``source[start:end]`` as pieces, with all edits applied; they must lie within."""
        pieces: list[Piece] = []
        position = start
        for edit_start, edit_end, replacement in sorted(self._edits, key=itemgetter(0, 1)):
            pieces.append(source[position:edit_start])
            pieces += replacement
            position = edit_end
        pieces.append(source[position:end])
        return pieces
