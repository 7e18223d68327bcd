"""What every way of delivery hands to the player."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from streaming.signing import ManifestType


@dataclass(frozen=True, slots=True)
class PlayableFilm:
    """Where a player finds a film.

    ``expires_in`` is the life of the URL in seconds; ``duration_seconds`` is None when it is not
    known.
    """

    manifest_url: str
    expires_in: int
    duration_seconds: int | None


class Delivery(Protocol):
    """A way to get a film from the bucket to a player."""

    def playable(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> PlayableFilm:
        """Return where the film plays from, for a viewer who starts ``now``.

        Raises ``MovieNotFound``, ``FilmUnplayable`` and ``StorageUnavailable``.
        """
        ...
