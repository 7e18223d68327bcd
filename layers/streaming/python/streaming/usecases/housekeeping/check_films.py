"""Looking for the films that viewers may continue: some are no longer in the bucket."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from aws_lambda_powertools.logging import Logger

from streaming.domain.errors import StorageUnavailable
from streaming.repository.films import Films

logger = Logger(child=True)

_INTERVAL = timedelta(hours=1)
_BATCH = 200
# For how long positions in a film are kept that was never there: it may still be uploaded.
_PATIENCE = timedelta(days=1)


class CheckFilms:
    """Notes which films the bucket holds. ``is_there`` looks for one."""

    def __init__(self, films: Films, is_there: Callable[[UUID], bool]) -> None:
        self._films = films
        self._is_there = is_there

    def __call__(self, now: datetime, budget_seconds: float) -> int:
        """Look for films that were not looked for in an hour; return for how many.

        One that the storage does not answer for is not counted, and keeps no other from its turn.
        Stops after ``budget_seconds``; the next run goes on. Raises ``DatabaseUnavailable``.
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
                "the film storage does not answer for films", unanswered=unanswered, checked=checked
            )
        self._films.delete_no_films(now - _PATIENCE, _BATCH)
        return checked
