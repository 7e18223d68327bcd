"""Deletes old idempotency keys."""

from datetime import datetime, timedelta

from streaming.repository.idempotency import IdempotencyKeys
from streaming.usecases.housekeeping.batches import in_batches

_LIFE = timedelta(days=1)
_BATCH = 1000


class ExpireIdempotencyKeys:
    """Deletes the keys that are older than a day."""

    def __init__(self, keys: IdempotencyKeys) -> None:
        self._keys = keys

    def __call__(self, now: datetime, budget_seconds: float) -> int:
        """Delete them ``in_batches``; return how many. Raises ``DatabaseUnavailable``."""
        before = now - _LIFE
        return in_batches(
            lambda limit: (self._keys.delete_old(before, limit),), _BATCH, budget_seconds
        )
