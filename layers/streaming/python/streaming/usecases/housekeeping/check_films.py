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
        ends_at = time.monotonic() + budget_seconds
        checked = unanswered = 0
        for movie_id in self._films.find_due(now - _INTERVAL, _BATCH):
            if time.monotonic() > ends_at:
                break
            try:
                is_there = self._is_there(movie_id)
            except StorageUnavailable:
                unanswered += 1
                continue
            self._films.mark(movie_id, now, is_there=is_there)
            checked += 1
        if unanswered:
            logger.warning(
                "the film storage does not answer for some films",
                unanswered=unanswered,
                checked=checked,
            )
        if self._films.delete_no_films(now - _PATIENCE, _BATCH):
            # Redis may still have these positions.
            self._trust.distrust()
        return checked
