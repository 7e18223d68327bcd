"""Saves a reported position."""

from streaming.cache.stream_slots import StreamSlots
from streaming.domain.progress import RecordedReport, Report
from streaming.repository.playback import Playback
from streaming.usecases.cached_positions import CachedPositions
from streaming.usecases.event_sink import EventSink, message_of_report


class ReportProgress:
    """Saves a reported position and sends its event to Kafka."""

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
        message_of = message_of_report("stream_progress", report, self._events)
        recorded = self._playback.record_report(report, message_of, self._events.send)
        if recorded.progress is not None:
            self._positions.keep(recorded.progress)
        if recorded.session_id is not None and not recorded.session_ended:
            self._slots.heartbeat(report.user_id, recorded.session_id)
        return recorded
