"""The parts of an execution environment that count what was watched, and report it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from streaming.composition.delivery import DeliveryAdapters

if TYPE_CHECKING:
    from streaming.repository.database import Database
    from streaming.usecases.record_viewing import RecordViewing

# A batch has thousands of events, and waits until the one before it is stored.
_BATCH_SECONDS = 40.0


class AnalyticsParts(DeliveryAdapters):
    """Builds the consumer of events and the reports."""

    @cached_property
    def analytics_database(self) -> Database:
        """The connection to PostgreSQL for batches of events."""
        from streaming.repository.database import Database

        return Database(self.database_settings(), _BATCH_SECONDS)

    @cached_property
    def record_viewing(self) -> RecordViewing:
        """Counts what was watched."""
        from streaming.repository.analytics.record import ViewingRecord
        from streaming.usecases.record_viewing import RecordViewing

        return RecordViewing(ViewingRecord(self.analytics_database))
