"""Deletes what was watched, by month, after the retention period. The figures remain."""

from datetime import datetime, timedelta

from streaming.repository.analytics.personal_data import OldViewing
from streaming.usecases.housekeeping.batches import in_batches

_BATCH = 500


class ForgetViewing:
    """Deletes months that ended more than ``retention_days`` ago, and old dead letters."""

    def __init__(self, viewing: OldViewing, retention_days: int) -> None:
        self._viewing = viewing
        self._retention = timedelta(days=retention_days)

    def __call__(self, now: datetime, budget_seconds: float) -> int:
        """Delete them; return how many dead letters. Raises ``DatabaseUnavailable``."""

        def forget_batch(limit: int) -> tuple[int]:
            return (self._viewing.forget(now - self._retention, limit),)

        return in_batches(forget_batch, _BATCH, budget_seconds)
