"""Stops a stream."""

from uuid import UUID

from streaming.cache.stream_slots import StreamSlots
from streaming.domain.progress import Report
from streaming.domain.sessions import EndedSession
from streaming.events.event import Message, StreamEvent, new_event_id
from streaming.repository.playback import Playback
from streaming.usecases.cached_positions import CachedPositions
from streaming.usecases.event_sink import EventSink


class StopStream:
    """Saves the final position and ends the session."""

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

    def __call__(self, report: Report) -> EndedSession:
        """Save the final ``report``, end its session and return the result.

        Raises ``SessionNotFound``, ``MovieNotFound`` and ``DatabaseUnavailable``.
        """
        event_id = new_event_id(report.reported_at)

        def message_of(session_id: UUID) -> Message | None:
            return self._events.message(StreamEvent.of_stop(report, session_id, event_id))

        ended = self._playback.end_session(report, message_of)
        message = None
        if ended.event_is_next and ended.session_id is not None:
            message = message_of(ended.session_id)
        sending = self._events.begin_committed([message] if message else [])
        # While Kafka answers.
        if ended.session_id is not None:
            self._slots.end_along(report.user_id, ended.session_id)
        self._positions.keep(ended.progress)
        sending()
        return ended
