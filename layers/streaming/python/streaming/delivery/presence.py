"""Checks whether a film is in the bucket, with any manifest type."""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from streaming.domain.films import MANIFEST_NAMES, film_prefix


class Bucket(Protocol):
    """The method of the film bucket that the check uses."""

    def check_object_exists(self, key: str) -> bool:
        """Return whether the object exists. Raises ``StorageUnavailable``."""
        ...


class FilmPresence:
    """Checks for films. ``bucket`` is called by a check, so its client is not loaded earlier."""

    def __init__(self, bucket: Callable[[], Bucket]) -> None:
        self._bucket = bucket

    def __call__(self, movie_id: UUID) -> bool:
        """Return whether the bucket has a manifest of the film. Raises ``StorageUnavailable``."""
        bucket = self._bucket()
        return any(
            bucket.check_object_exists(film_prefix(movie_id) + name)
            for name in MANIFEST_NAMES.values()
        )
