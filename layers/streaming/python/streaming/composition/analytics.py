"""The parts of an execution environment that count what was watched, and report it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from streaming.composition.delivery import DeliveryAdapters

if TYPE_CHECKING:
    from streaming.repository.database import Database
    from streaming.usecases.housekeeping.forget_viewing import ForgetViewing
    from streaming.usecases.record_viewing import RecordViewing
    from streaming.usecases.report_viewing import ReportViewing

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

    @cached_property
    def report_viewing(self) -> ReportViewing:
        """Reports what was watched."""
        from streaming.config.analytics import AnalyticsSettings
        from streaming.repository.analytics.reports import ViewingReports
        from streaming.usecases.report_viewing import ReportViewing

        settings = AnalyticsSettings.from_environment(self.variables)
        reports = ViewingReports(self.patient_database)
        return ReportViewing(reports, is_enabled=settings.is_enabled)

    @cached_property
    def forget_viewing(self) -> ForgetViewing:
        """Deletes what was watched long ago."""
        from streaming.config.privacy import PrivacySettings
        from streaming.repository.analytics.personal_data import OldViewing
        from streaming.usecases.housekeeping.forget_viewing import ForgetViewing

        settings = PrivacySettings.from_environment(self.variables)
        return ForgetViewing(OldViewing(self.patient_database), settings.retention_days)
