"""Saves a reported position."""

from streaming.cache.stream_slots import StreamSlots
from streaming.domain.progress import RecordedReport, Report
from streaming.events.event import StreamEvent
from streaming.repository.playback import Playback
from streaming.usecases.cached_positions import CachedPositions
from streaming.usecases.event_sink import EventSink


class ReportProgress:
    """Saves a reported position, and then sends its event to Kafka.

    No transaction is open while Kafka is awaited. If a request ends between the two, it was not
    answered, and its repeat sends the event under the same id.
    """

    def __init__(
        self,
        playback: Playback,
        positions: CachedPositions,
        slots: StreamSlots,
        events: EventSink,
    ) -> None:
        self._playback = playback
        self._positions = positions
        self._slots = slots
        self._events = events

    def __call__(self, report: Report) -> RecordedReport:
        """Save ``report`` and return its result.

        Raises ``SessionNotFound``, ``MovieNotFound`` and ``DatabaseUnavailable``.
        """
        recorded = self._playback.record_report(report)
        sending = None
        if recorded.is_event_due:
            event = StreamEvent.of_progress(report, recorded.session_id)
            sending = self._events.begin(event, is_next=recorded.is_event_next)
        if recorded.progress is not None:
            # While Kafka answers.
            if recorded.session_id is not None and not recorded.session_ended:
                self._slots.heartbeat_along(report.user_id, recorded.session_id)
            self._positions.keep(recorded.progress)
        if sending is not None:
            sending()
        return recorded
