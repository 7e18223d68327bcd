"""What every way of delivery hands to the player."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from streaming.domain.films import ManifestType


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

    def renew(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> bool:
        """Prepare the film for those who start after the current window, if that ends soon.

        Tells whether anything was done. Raises as ``playable`` does.
        """
        ...

    def ends_soon(self, now: datetime) -> bool:
        """Tell whether films in use have to be renewed."""
        ...

    def republish(self, movie_id: UUID, now: datetime) -> list[ManifestType]:
        """See a film as it is in the bucket now; return the forms that it has.

        Raises as ``playable`` does.
        """
        ...
