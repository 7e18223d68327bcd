"""Films: their manifest types, and the keys of their objects in the bucket."""

from typing import Final, Literal
from uuid import UUID

ManifestType = Literal["hls", "dash"]

MANIFEST_NAMES: Final[dict[ManifestType, str]] = {"hls": "index.m3u8", "dash": "index.mpd"}


def film_prefix(movie_id: UUID | str) -> str:
    """Return the key prefix of a film's objects, ending in ``/``."""
    return f"movies/{movie_id}/"
