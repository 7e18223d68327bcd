"""Delivery whose signing key dies and is replaced before it does, as those of roles are."""

from collections.abc import Callable
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
    """Delivers with the key of the time.

    ``build`` reads the key, and returns the delivery that signs with it and how long it lives. It
    is called when something is delivered and not before: an environment restored from a snapshot
    has another key than the snapshot. It may raise ``StorageUnavailable``.
    """

    def __init__(self, build: Callable[[], tuple[Delivery, SigningLifetime]]) -> None:
        self._build = build
        self._built: tuple[Delivery, SigningLifetime] | None = None

    def playable(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> PlayableFilm:
        """Return where the film plays from."""
        return self._current(now).playable(movie_id, manifest_type, now)

    def renew(self, movie_id: UUID, manifest_type: ManifestType, now: datetime) -> bool:
        """Prepare the film for those who start after the current window."""
        return self._current(now).renew(movie_id, manifest_type, now)

    def ends_soon(self, now: datetime) -> bool:
        """Tell whether films in use have to be renewed."""
        return self._current(now).ends_soon(now)

    def republish(self, movie_id: UUID, now: datetime) -> list[ManifestType]:
        """See a film as it is in the bucket now."""
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
