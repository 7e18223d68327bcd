"""Stopping a film."""

from uuid import UUID

from streaming.cache.progress import ProgressCache
from streaming.cache.stream_slots import StreamSlots
from streaming.domain.progress import Report
from streaming.domain.sessions import EndedSession
from streaming.events.event import Message, StreamEvent, new_event_id
from streaming.repository.playback import Playback
from streaming.usecases.event_sink import EventSink


class StopStream:
    """Saves the final position and ends the session."""

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

    def __call__(self, report: Report) -> EndedSession:
        """Stop with the final ``report``.

        Raises ``SessionNotFound``, ``MovieNotFound`` and ``DatabaseUnavailable``.
        """
        event_id = new_event_id(report.reported_at)

        def stop_message(session_id: UUID) -> Message | None:
            event = StreamEvent.of_report("stream_stop", report, session_id, event_id)
            return self._events.message(event)

        ended = self._playback.end_session(report, stop_message)
        if ended.session_id is not None:
            self._slots.end(report.user_id, ended.session_id)
        if ended.event_is_next and ended.session_id is not None:
            message = stop_message(ended.session_id)
            if message is not None:
                self._events.send_committed(message)
        self._progress_cache.keep(ended.progress)
        return ended
