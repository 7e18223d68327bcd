"""Where the signed copy of a manifest lies in the bucket."""

import hashlib
from uuid import UUID

from streaming.delivery.window import Window


def copy_key(window: Window, signing_id: str, movie_id: UUID, path: str, query: str = "") -> str:
    """Return the key of the signed copy of the manifest ``path`` of the film.

    ``signing_id`` keeps apart what is signed with different keys or for different hosts, as while
    a key is rotated. A playlist that reads variables from its ``query`` has a copy for each.
    """
    variant = f"{hashlib.sha256(query.encode()).hexdigest()[:16]}/" if query else ""
    return f"playback/{window.name}-{signing_id}/movies/{movie_id}/{variant}{path}"
