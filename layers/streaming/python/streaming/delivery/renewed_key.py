"""Delivery with a temporary signing key, such as a role's, that is replaced before it expires."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from aws_lambda_powertools.logging import Logger

from streaming.delivery.lifetime import SigningLifetime
from streaming.delivery.protocol import Delivery, PlayableFilm
from streaming.domain.errors import StorageUnavailable
from streaming.domain.films import ManifestType

logger = Logger(child=True)

# Lambda replaces a role's credentials some minutes before they expire.
_MARGIN = timedelta(minutes=5)


class RenewedKey:
    """Delivers with the present signing key.

    ``build`` reads the key, and returns the delivery that signs with it and the key's lifetime. It
    is called by the first delivery, not earlier: an environment restored from a snapshot has
    another key than the snapshot. It may raise ``StorageUnavailable``.
    """

    def __init__(self, build: Callable[[], tuple[Delivery, SigningLifetime]]) -> None:
        self._build = build
        self._built: tuple[Delivery, SigningLifetime] | None = None

    def playable(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> PlayableFilm:
        """Return the URL of the film."""
        return self._current(now).playable(movie_id, manifest_type, now)

    def cache_keys(
        self, movie_id: UUID, manifest_type: ManifestType, now: datetime
    ) -> Sequence[str]:
        """Return the keys of Redis that ``playable`` reads first, if the key was read before."""
        return self._built[0].cache_keys(movie_id, manifest_type, now) if self._built else ()

    def renew(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> bool:
        """Publish the film for the next window if the current window ends soon."""
        return self._current(now).renew(movie_id, manifest_type, now)

    def ends_soon(self, now: datetime) -> bool:
        """Return whether the current window ends soon, so that films in use must be renewed."""
        return self._current(now).ends_soon(now)

    def republish(self, movie_id: UUID, now: datetime) -> list[ManifestType]:
        """Publish the film again, as it is in the bucket now; return its manifest types."""
        return self._current(now).republish(movie_id, now)

    def _current(self, now: datetime) -> Delivery:
        if self._built is None:
            self._built = self._build()
        elif self._built[1].is_dead(now + _MARGIN):
            try:
                self._built = self._build()
            except StorageUnavailable:
                if self._built[1].is_dead(now):
                    raise
                logger.warning("the key that signs URLs cannot be replaced yet")
        return self._built[0]
