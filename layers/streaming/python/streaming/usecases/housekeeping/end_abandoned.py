"""Ends the sessions whose player has stopped reporting."""

from datetime import datetime, timedelta

from streaming.cache.stream_slots import StreamSlots
from streaming.repository.playback import Playback
from streaming.usecases.event_sink import EventSink
from streaming.usecases.housekeeping.batches import in_batches

_SILENCE = timedelta(minutes=5)
_BATCH = 200


class EndAbandonedSessions:
    """Ends sessions without a heartbeat for five minutes, as of their last heartbeat."""

    def __init__(self, playback: Playback, slots: StreamSlots, events: EventSink) -> None:
        self._playback = playback
        self._slots = slots
        self._events = events

    def __call__(self, now: datetime, budget_seconds: float) -> int:
        """End them ``in_batches`` and return how many. Raises ``DatabaseUnavailable``.

        Their events go to the outbox.
        """

        def end_batch(limit: int) -> tuple[int]:
            batch = self._playback.end_abandoned(now - _SILENCE, limit, self._events.message)
            if batch:
                self._slots.forget_all([(session.user_id, session.id) for session in batch])
            return (len(batch),)

        return in_batches(end_batch, _BATCH, budget_seconds)
