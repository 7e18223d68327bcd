"""Ending the sessions whose player has vanished."""

import time
from datetime import datetime, timedelta

from streaming.event_sink import EventSink
from streaming.events import Message, StreamEvent, new_event_id
from streaming.repository import Repository
from streaming.session_rows import SilentSession

_SILENCE = timedelta(minutes=5)
_BATCH = 200


class EndAbandonedSessions:
    """Ends sessions without a heartbeat for five minutes, each at its last one."""

    def __init__(self, repository: Repository, events: EventSink) -> None:
        self._repository = repository
        self._events = events

    def __call__(self, now: datetime, budget_seconds: float) -> int:
        """End them batch by batch and return how many. Raises ``DatabaseUnavailable``.

        Begins no further batch after ``budget_seconds``; the next run goes on. The events go to
        the outbox.
        """
        ends_at = time.monotonic() + budget_seconds
        ended = 0
        while time.monotonic() < ends_at:
            batch = self._repository.end_abandoned(now - _SILENCE, _BATCH, self._stop_message)
            ended += batch
            if batch < _BATCH:
                break
        return ended

    def _stop_message(self, session: SilentSession) -> Message | None:
        return self._events.message(
            StreamEvent(
                event_id=new_event_id(session.ended_at),
                action="stream_stop",
                user_id=session.user_id,
                movie_id=session.movie_id,
                timestamp=session.ended_at,
                session_id=session.id,
                position_seconds=session.position_seconds,
                reason="abandoned",
            )
        )
