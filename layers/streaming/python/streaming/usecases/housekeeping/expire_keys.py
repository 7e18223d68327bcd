"""Forgetting idempotency keys that nobody will repeat any more."""

import time
from datetime import datetime, timedelta

from streaming.repository.idempotency import IdempotencyKeys

_LIFE = timedelta(days=1)
_BATCH = 1000


class ExpireIdempotencyKeys:
    """Deletes the keys that are older than a day."""

    def __init__(self, keys: IdempotencyKeys) -> None:
        self._keys = keys

    def __call__(self, now: datetime, budget_seconds: float) -> int:
        """Delete them batch by batch; return how many. Raises ``DatabaseUnavailable``.

        Begins no further batch after ``budget_seconds``; the next run goes on.
        """
        ends_at = time.monotonic() + budget_seconds
        deleted = 0
        while time.monotonic() < ends_at:
            batch = self._keys.delete_old(now - _LIFE, _BATCH)
            deleted += batch
            if batch < _BATCH:
                break
        return deleted
