"""Whether a film is in the bucket, in whatever form."""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from streaming.domain.films import MANIFEST_NAMES, film_prefix


class Bucket(Protocol):
    """What is needed of the film bucket."""

    def check_object_exists(self, key: str) -> bool:
        """Tell whether there is such an object. Raises ``StorageUnavailable``."""
        ...


class FilmPresence:
    """Looks for films. ``bucket`` is called only then, so that its client is not loaded before."""

    def __init__(self, bucket: Callable[[], Bucket]) -> None:
        self._bucket = bucket

    def __call__(self, movie_id: UUID) -> bool:
        """Tell whether the bucket holds a manifest of the film. Raises ``StorageUnavailable``."""
        bucket = self._bucket()
        return any(
            bucket.check_object_exists(film_prefix(movie_id) + name)
            for name in MANIFEST_NAMES.values()
        )
