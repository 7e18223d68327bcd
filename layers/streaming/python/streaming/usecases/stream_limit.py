"""Holding users to the number of streams that they may have at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aws_lambda_powertools.logging import Logger

from streaming.cache.stream_slots import LIFE_SECONDS, Slot, StreamSlots
from streaming.domain import clock
from streaming.domain.errors import DatabaseUnavailable, SessionEnded, StreamLimitReached
from streaming.domain.identifiers import milliseconds_of
from streaming.domain.sessions import LiveSession
from streaming.observability.metrics import emit
from streaming.repository.playback import Playback
from streaming.usecases.event_sink import EventSink

logger = Logger(child=True)


class StreamLimit:
    """Lets a stream begin only while fewer run than its user may have.

    When Redis does not answer, the limit is not enforced, and a metric says so.
    """

    def __init__(self, slots: StreamSlots, playback: Playback, events: EventSink) -> None:
        self._slots = slots
        self._playback = playback
        self._events = events

    @contextmanager
    def slot(
        self, user_id: UUID, session_id: UUID, limit: int, *, take_over: bool
    ) -> Iterator[Sequence[UUID]]:
        """Hold a slot for a session while the enclosed work opens it; 0 is no ``limit``.

        Yields the sessions that the work has to end because they are taken over. When the work
        fails, the slot is free again. Raises ``StreamLimitReached``, also afterwards, when the new
        session itself was taken over meanwhile: then it has ended, and its Idempotency-Key, if it
        has one, is free.
        """
        if not limit:
            yield ()
            return
        claim = self._slots.claim(user_id, session_id, limit, take_over=take_over)
        if claim is None:
            _note_not_enforced()
            yield ()
            return
        if not claim.is_granted:
            raise self._reached(user_id, limit, claim.slots)
        try:
            yield [slot.session_id for slot in claim.slots]
        except BaseException:
            self._slots.release(user_id, session_id)
            raise
        if self._slots.heartbeat(user_id, session_id) is False:
            self._refuse(user_id, session_id)
            raise self._reached(user_id, limit, ())

    def keep(
        self,
        user_id: UUID,
        session_id: UUID,
        limit: int,
        last_heartbeat_at: datetime,
        now: datetime,
    ) -> None:
        """Hold the slot of a session that is open on record; 0 is no ``limit``.

        One that was heard of so recently that it counts may have another slot when its own is not
        known any more. Raises ``SessionEnded`` when it has lost its slot.
        """
        if not limit:
            return
        is_recent = now - last_heartbeat_at < timedelta(seconds=LIFE_SECONDS)
        is_kept = self._slots.keep(user_id, session_id, limit if is_recent else 0)
        if is_kept is None:
            _note_not_enforced()
        elif not is_kept:
            raise SessionEnded("the session that was started with this key is no stream any more")

    def _refuse(self, user_id: UUID, session_id: UUID) -> None:
        # Whoever took it over may not have found it on record, where it has only just come.
        for message in self._playback.refuse_opened(
            user_id, session_id, clock.now(), self._events.message
        ):
            if not self._events.send_committed(message):
                break

    def _reached(self, user_id: UUID, limit: int, slots: Sequence[Slot]) -> StreamLimitReached:
        return StreamLimitReached(
            f"as many streams run as the user may have at once: {limit}",
            max_streams=limit,
            sessions=self._describe(user_id, slots),
        )

    def _describe(self, user_id: UUID, slots: Sequence[Slot]) -> list[LiveSession]:
        try:
            on_record = {
                session.session_id: session
                for session in self._playback.find_sessions(
                    user_id, [slot.session_id for slot in slots]
                )
            }
        except DatabaseUnavailable:
            on_record = {}
        return [on_record.get(slot.session_id) or _as_counted(slot) for slot in slots]


def _note_not_enforced() -> None:
    emit(StreamLimitNotEnforced=1)
    logger.warning("the limit of streams is not enforced")


def _as_counted(slot: Slot) -> LiveSession:
    """Return what the slot itself tells, of a session that is not on record yet."""
    began = datetime.fromtimestamp(milliseconds_of(slot.session_id) / 1000, UTC)
    return LiveSession(slot.session_id, None, began, slot.heartbeat_at)
