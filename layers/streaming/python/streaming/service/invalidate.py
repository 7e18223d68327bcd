"""Seeing at once that a film was replaced in the bucket."""

from datetime import datetime
from uuid import UUID

from streaming.answers import Invalidated
from streaming.delivery.playable import Delivery


class InvalidateFilm:
    """Has a film's copies published anew."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    def __call__(self, movie_id: UUID, now: datetime) -> Invalidated:
        """Publish the film as it is now.

        Raises ``MovieNotFound``, ``FilmUnplayable`` and ``StorageUnavailable``.
        """
        forms = self._delivery.republish(movie_id, now)
        return Invalidated(success=True, movie_id=movie_id, manifest_types=list(forms))
