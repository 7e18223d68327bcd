"""Reporting where the player is."""

from uuid import UUID

from streaming.cache.progress import ProgressCache
from streaming.cache.stream_slots import StreamSlots
from streaming.domain.progress import RecordedReport, Report
from streaming.events.event import Message, StreamEvent, new_event_id
from streaming.repository.playback import Playback
from streaming.usecases.event_sink import EventSink


class ReportProgress:
    """Saves a position and tells Kafka of it."""

    def __init__(
        self,
        playback: Playback,
        progress_cache: ProgressCache,
        slots: StreamSlots,
        events: EventSink,
    ) -> None:
        self._playback = playback
        self._progress_cache = progress_cache
        self._slots = slots
        self._events = events

    def __call__(self, report: Report) -> RecordedReport:
        """Save ``report``.

        Raises ``SessionNotFound``, ``MovieNotFound`` and ``DatabaseUnavailable``.
        """
        event_id = new_event_id(report.reported_at)

        def progress_message(session_id: UUID | None) -> Message | None:
            event = StreamEvent.of_report("stream_progress", report, session_id, event_id)
            return self._events.message(event)

        recorded = self._playback.record_report(report, progress_message, self._events.send)
        if recorded.progress is not None:
            self._progress_cache.keep(recorded.progress)
        if recorded.session_id is not None and not recorded.session_ended:
            self._slots.heartbeat(report.user_id, recorded.session_id)
        return recorded
