"""The interface that all kinds of delivery implement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from streaming.domain.films import ManifestType


@dataclass(frozen=True, slots=True)
class PlayableFilm:
    """The URL from which a film plays.

    It is valid for ``expires_in`` seconds. ``duration_seconds`` is None if it is not known.
    """

    manifest_url: str
    expires_in: int
    duration_seconds: int | None


class Delivery(Protocol):
    """Delivers films from the bucket to players."""

    def playable(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> PlayableFilm:
        """Return the URL of the film, for a user who starts it ``now``.

        Raises ``MovieNotFound``, ``FilmUnplayable`` and ``StorageUnavailable``.
        """
        ...

    def cache_keys(
        self, movie_id: UUID, manifest_type: ManifestType, now: datetime
    ) -> Sequence[str]:
        """Return the keys of Redis that ``playable`` reads first."""
        ...

    def renew(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> bool:
        """Publish the film for the next window if the current window ends soon.

        Returns whether anything was published. Raises the errors of ``playable``.
        """
        ...

    def ends_soon(self, now: datetime) -> bool:
        """Return whether the current window ends soon, so that films in use must be renewed."""
        ...

    def republish(self, movie_id: UUID, now: datetime) -> list[ManifestType]:
        """Publish the film again, as it is in the bucket now; return its manifest types.

        Raises the errors of ``playable``.
        """
        ...
