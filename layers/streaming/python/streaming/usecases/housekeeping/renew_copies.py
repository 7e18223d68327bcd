"""Publishes the signed copies of the next time window for the films in use."""

import time
from datetime import datetime
from typing import Any

from aws_lambda_powertools.logging import Logger

from streaming.delivery.protocol import Delivery
from streaming.domain.errors import FilmUnplayable, MovieNotFound, StorageUnavailable
from streaming.observability.metrics import emit
from streaming.repository.films import Films
from streaming.resilience.deadline import within

logger = Logger(child=True)

_MOST_FILMS = 1000
_IN_USE_SECONDS = 3600
# After this many consecutive failures the storage, not the film, is considered unavailable.
_STORAGE_IS_AWAY = 3


class RenewCopies:
    """Publishes the copies of the next window before it begins."""

    def __init__(self, films: Films, delivery: Delivery) -> None:
        self._films = films
        self._delivery = delivery

    def __call__(self, now: datetime, budget_seconds: float) -> int:
        """Renew the films that were started in the last hour, the most started first.

        Stops after ``budget_seconds``; the next run continues. A film may take at most half of the
        remaining time, and a film that fails does not stop the others. Returns how many copies were
        published. Raises ``DatabaseUnavailable``, and after the last film an ``ExceptionGroup`` of
        unexpected errors.
        """
        if not self._delivery.ends_soon(now):
            return 0
        ends_at = time.monotonic() + budget_seconds
        renewed = unread = 0
        bugs: list[Exception] = []
        for movie_id, manifest_type in self._films.find_in_use(now, _IN_USE_SECONDS, _MOST_FILMS):
            left = ends_at - time.monotonic()
            if left <= 0:
                logger.warning("not all films in use are renewed yet", renewed=renewed)
                break
            told: dict[str, Any] = {"movie_id": movie_id, "manifest_type": manifest_type}
            try:
                with within(left / 2):
                    renewed += self._delivery.renew(movie_id, manifest_type, now)
            except (MovieNotFound, FilmUnplayable) as error:
                emit(FilmsNotRenewed=1)
                logger.warning("a film in use cannot be renewed", code=error.code, **told)
            except StorageUnavailable:
                unread += 1
                emit(FilmsNotRenewed=1)
                logger.warning("a film in use cannot be read or written now", **told)
                if unread == _STORAGE_IS_AWAY:
                    logger.warning("the film storage does not answer", renewed=renewed)
                    break
                continue
            except Exception as error:
                emit(FilmsNotRenewed=1)
                logger.exception("renewing a film failed unexpectedly", **told)
                bugs.append(error)
            unread = 0
        if bugs:
            raise ExceptionGroup("renewing these films failed", bugs)
        return renewed
