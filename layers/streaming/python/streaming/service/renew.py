"""Preparing the films in use for those who start after the current time window."""

import time
from datetime import datetime

from aws_lambda_powertools.logging import Logger

from streaming.delivery.playable import Delivery
from streaming.errors import FilmUnplayable, MovieNotFound, StorageUnavailable
from streaming.repository import Repository

logger = Logger(child=True)

_MOST_FILMS = 1000
_IN_USE_SECONDS = 3600


class RenewCopies:
    """Has the next window's copies published before that window begins."""

    def __init__(self, repository: Repository, delivery: Delivery) -> None:
        self._repository = repository
        self._delivery = delivery

    def __call__(self, now: datetime, budget_seconds: float) -> int:
        """Renew the films that were started in the last hour, the most started first.

        Stops after ``budget_seconds``; the next run goes on. Returns how many copies were
        published. Raises ``DatabaseUnavailable``.
        """
        if not self._delivery.ends_soon(now):
            return 0
        ends_at = time.monotonic() + budget_seconds
        renewed = 0
        for movie_id, manifest_type in self._repository.find_films_in_use(
            now, _IN_USE_SECONDS, _MOST_FILMS
        ):
            if time.monotonic() > ends_at:
                logger.warning("not all films in use are renewed yet", renewed=renewed)
                break
            try:
                renewed += self._delivery.renew(movie_id, manifest_type, now)
            except (MovieNotFound, FilmUnplayable) as error:
                logger.warning(
                    "a film in use cannot be renewed", movie_id=movie_id, code=error.code
                )
            except StorageUnavailable:
                logger.warning("the film storage does not answer", renewed=renewed)
                break
        return renewed
