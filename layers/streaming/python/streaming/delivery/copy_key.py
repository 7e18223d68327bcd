"""Where the signed copy of a manifest lies in the bucket."""

import hashlib
from uuid import UUID

from streaming.delivery.window import Window


def copy_key(window: Window, movie_id: UUID, path: str, query: str = "") -> str:
    """Return the key of the signed copy of the manifest ``path`` of the film.

    A playlist that reads variables from its ``query`` has a copy of its own for each.
    """
    variant = f"{hashlib.sha256(query.encode()).hexdigest()[:16]}/" if query else ""
    return f"playback/{window.name}/movies/{movie_id}/{variant}{path}"
