"""Publishes a film again after it was replaced in the bucket."""

from datetime import datetime
from uuid import UUID

from aws_lambda_powertools.logging import Logger

from streaming.delivery.protocol import Delivery
from streaming.domain.errors import DatabaseUnavailable, MovieNotFound
from streaming.domain.films import ManifestType
from streaming.repository.cache_trust import CacheTrustRecord
from streaming.repository.films import Films

logger = Logger(child=True)


class InvalidateFilm:
    """Publishes a film's signed copies again, and saves its duration."""

    def __init__(self, delivery: Delivery, films: Films, trust: CacheTrustRecord) -> None:
        self._delivery = delivery
        self._films = films
        self._trust = trust

    def __call__(self, movie_id: UUID, now: datetime) -> list[ManifestType]:
        """Publish the film as it is now, and return its manifest types.

        Raises ``MovieNotFound``, ``FilmUnplayable`` and ``StorageUnavailable``.
        """
        try:
            forms = self._delivery.republish(movie_id, now)
            self._note(movie_id, forms, now)
        except MovieNotFound:
            self._note(movie_id, [], now)
            raise
        return forms

    def _note(self, movie_id: UUID, forms: list[ManifestType], now: datetime) -> None:
        try:
            if forms:
                film = self._delivery.playable(movie_id, forms[0], now)
                self._films.keep(movie_id, film.duration_seconds, now)
                # Cached positions have the former duration.
                self._trust.distrust()
            else:
                self._films.mark(movie_id, now, is_there=False)
        except DatabaseUnavailable:
            # The film is published already; the next start or housekeeping saves the rest.
            logger.warning("the film's presence and duration are not saved yet")
