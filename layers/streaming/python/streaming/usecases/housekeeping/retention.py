"""Forgetting what is known of people and needed no longer."""

import time
from datetime import datetime, timedelta

from streaming.repository.personal_data import PersonalData

_BATCH = 500


class ForgetPersonalData:
    """Deletes personal data that is older than so many days."""

    def __init__(self, personal_data: PersonalData, retention_days: int) -> None:
        self._personal_data = personal_data
        self._retention = timedelta(days=retention_days)

    def __call__(self, now: datetime, budget_seconds: float) -> int:
        """Forget it batch by batch; return how many rows. Raises ``DatabaseUnavailable``.

        Begins no further batch after ``budget_seconds``; the next run goes on.
        """
        ends_at = time.monotonic() + budget_seconds
        rows = 0
        while time.monotonic() < ends_at:
            forgotten = self._personal_data.forget(now - self._retention, _BATCH)
            batch = (forgotten.sessions, forgotten.addresses, forgotten.dead_letters)
            rows += sum(batch)
            if max(batch) < _BATCH:
                break
        return rows
