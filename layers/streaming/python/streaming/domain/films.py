"""Films: the forms in which they are stored, and where their objects are in the bucket."""

from typing import Final, Literal
from uuid import UUID

ManifestType = Literal["hls", "dash"]

MANIFEST_NAMES: Final[dict[ManifestType, str]] = {"hls": "index.m3u8", "dash": "index.mpd"}


def film_prefix(movie_id: UUID | str) -> str:
    """Return the prefix of the keys of a film's objects, ending in ``/``."""
    return f"movies/{movie_id}/"
