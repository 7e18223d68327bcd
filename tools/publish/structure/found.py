"""What the readers of the container formats find."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outline:
    """The division of a file.

    `starts` are the offsets in bytes at which recordings begin after the first one. `missing_bytes`
    is the rest of a last part that declares more bytes than the file has. `has_end` is false if the
    format marks the end of a finished file, and the file lacks the mark. `is_encrypted` is whether
    the container declares that its content is encrypted as a whole. `track_identifiers` are the
    tracks that the tables of a transport stream name anywhere.
    """

    starts: tuple[int, ...] = ()
    missing_bytes: int = 0
    has_end: bool = True
    is_encrypted: bool = False
    track_identifiers: frozenset[int] = frozenset()
