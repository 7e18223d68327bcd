"""Where the signed copy of a manifest lies in the bucket."""

import hashlib
from uuid import UUID

from streaming.delivery.windows import Window
from streaming.domain.films import film_prefix


def copy_key(
    window: Window, signing_id: str, edition: str, movie_id: UUID, path: str, query: str = ""
) -> str:
    """Return the key of the signed copy of the manifest ``path`` of the film.

    ``signing_id`` keeps apart what is signed with different keys or for different hosts, as while
    a key is rotated; ``edition`` what was published before and after an invalidation. A playlist
    that reads variables from its ``query`` has a copy for each.
    """
    folder = "-".join(filter(None, (window.name, signing_id, edition)))
    variant = f"{hashlib.sha256(query.encode()).hexdigest()[:16]}/" if query else ""
    return f"playback/{folder}/{film_prefix(movie_id)}{variant}{path}"
