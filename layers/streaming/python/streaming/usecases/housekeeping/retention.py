"""Deletes personal data after the retention period."""

from datetime import datetime, timedelta

from streaming.repository.personal_data import PersonalData
from streaming.usecases.housekeeping.batches import in_batches

_BATCH = 500


class ForgetPersonalData:
    """Deletes personal data that is older than ``retention_days``."""

    def __init__(self, personal_data: PersonalData, retention_days: int) -> None:
        self._personal_data = personal_data
        self._retention = timedelta(days=retention_days)

    def __call__(self, now: datetime, budget_seconds: float) -> int:
        """Delete it ``in_batches``; return how many rows. Raises ``DatabaseUnavailable``."""

        def forget_batch(limit: int) -> tuple[int, int, int]:
            rows = self._personal_data.forget(now - self._retention, limit)
            return rows.sessions, rows.addresses, rows.dead_letters

        return in_batches(forget_batch, _BATCH, budget_seconds)
