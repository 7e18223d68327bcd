"""The pages of Ogg (RFC 3533), which mark the beginning and the end of each track."""

from typing import BinaryIO

from tools.publish.structure.found import Outline

_MARK = b"OggS"
_PAGE_HEADER = 27
_BEGINS, _ENDS = 2, 4
_LONGEST_PAGE = 65_307


def read(file: BinaryIO, size: int) -> Outline:
    """Return the outline. A recording begins with the first pages of all its tracks."""
    starts: list[int] = []
    open_tracks: set[bytes] = set()
    were_first = True
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(_PAGE_HEADER + 255)
        if not head.startswith(_MARK):
            skipped = (head + file.read(_LONGEST_PAGE)).find(_MARK)
            if skipped < 0:
                break
            at += skipped
            continue
        lengths = head[_PAGE_HEADER : _PAGE_HEADER + head[26]] if len(head) > _PAGE_HEADER else b""
        if len(head) < _PAGE_HEADER or len(lengths) < head[26]:
            return Outline(tuple(starts), 1, has_end=False)
        flags, track = head[5], head[14:18]
        if flags & _BEGINS:
            if not were_first:
                starts.append(at)
                open_tracks.clear()
            open_tracks.add(track)
        were_first = bool(flags & _BEGINS)
        if flags & _ENDS:
            open_tracks.discard(track)
        at += _PAGE_HEADER + len(lengths) + sum(lengths)
    return Outline(tuple(starts), max(0, at - size), has_end=not open_tracks)
