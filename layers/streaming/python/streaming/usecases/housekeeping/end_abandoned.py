"""Ending the sessions whose player has vanished."""

import time
from datetime import datetime, timedelta

from streaming.cache.stream_slots import StreamSlots
from streaming.repository.playback import Playback
from streaming.usecases.event_sink import EventSink

_SILENCE = timedelta(minutes=5)
_BATCH = 200


class EndAbandonedSessions:
    """Ends sessions without a heartbeat for five minutes, each at its last one."""

    def __init__(self, playback: Playback, slots: StreamSlots, events: EventSink) -> None:
        self._playback = playback
        self._slots = slots
        self._events = events

    def __call__(self, now: datetime, budget_seconds: float) -> int:
        """End them batch by batch and return how many. Raises ``DatabaseUnavailable``.

        Begins no further batch after ``budget_seconds``; the next run goes on. The events go to
        the outbox.
        """
        ends_at = time.monotonic() + budget_seconds
        ended = 0
        while time.monotonic() < ends_at:
            batch = self._playback.end_abandoned(now - _SILENCE, _BATCH, self._events.message)
            for session in batch:
                self._slots.forget(session.user_id, session.id)
            ended += len(batch)
            if len(batch) < _BATCH:
                break
        return ended
