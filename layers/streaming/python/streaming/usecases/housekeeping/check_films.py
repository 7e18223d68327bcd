"""Checks whether the films that users may continue are still in the bucket."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from aws_lambda_powertools.logging import Logger

from streaming.domain.errors import StorageUnavailable
from streaming.repository.cache_trust import CacheTrustRecord
from streaming.repository.films import Films

logger = Logger(child=True)

_INTERVAL = timedelta(hours=1)
_BATCH = 200
# How long positions in a film that was never in the bucket are kept: it may be uploaded later.
_PATIENCE = timedelta(days=1)


class CheckFilms:
    """Records which films the bucket contains. ``is_there`` returns whether it contains a film."""

    def __init__(
        self, films: Films, is_there: Callable[[UUID], bool], trust: CacheTrustRecord
    ) -> None:
        self._films = films
        self._is_there = is_there
        self._trust = trust

    def __call__(self, now: datetime, budget_seconds: float) -> int:
        """Check films that were not checked within the last hour; return the number checked.

        A film whose check S3 does not answer is not counted and does not stop the others. Starts
        no check after ``budget_seconds``; the next run continues. Raises ``DatabaseUnavailable``.
        """
        found: dict[UUID, bool] = {}
        try:
            unanswered = self._look(now, time.monotonic() + budget_seconds, found)
        finally:
            self._films.mark_all(found, now)
        if unanswered:
            logger.warning(
                "the film storage does not answer for some films",
                unanswered=unanswered,
                checked=len(found),
            )
        if self._films.delete_no_films(now - _PATIENCE, _BATCH):
            # Redis may still have these positions.
            self._trust.distrust()
        return len(found)

    def _look(self, now: datetime, ends_at: float, found: dict[UUID, bool]) -> int:
        """Add to ``found`` whether the due films are there; return how many S3 did not answer."""
        unanswered = 0
        for movie_id in self._films.find_due(now - _INTERVAL, _BATCH):
            if time.monotonic() > ends_at:
                break
            try:
                found[movie_id] = self._is_there(movie_id)
            except StorageUnavailable:
                unanswered += 1
        return unanswered
