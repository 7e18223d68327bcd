"""Limits the number of a user's concurrent streams."""

from collections.abc import Callable, Iterator, Sequence
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


class Reservation:
    """The slot of a session that is being opened.

    ``taken_over`` are the sessions that have to end for it.
    """

    def __init__(
        self, taken_over: Sequence[UUID] = (), heartbeat: Callable[[], bool | None] | None = None
    ) -> None:
        self.taken_over = taken_over
        self.is_lost = False
        self._heartbeat = heartbeat

    def check(self) -> None:
        """Find out whether another start has taken over the session, which is on record now.

        Later starts find its row and end it there.
        """
        if self._heartbeat is None:
            return
        is_kept = self._heartbeat()
        self.is_lost = is_kept is False
        if is_kept is None:
            _note_not_enforced()


class StreamLimit:
    """Permits a new stream only while its user has fewer than the limit.

    If Redis does not answer, the limit is not enforced, which a metric counts.
    """

    def __init__(self, slots: StreamSlots, playback: Playback, events: EventSink) -> None:
        self._slots = slots
        self._playback = playback
        self._events = events

    @contextmanager
    def slot(
        self, user_id: UUID, session_id: UUID, limit: int, *, take_over: bool
    ) -> Iterator[Reservation]:
        """Reserve a slot for a session while the enclosed work opens it; ``limit`` 0 means none.

        The work has to check the reservation as soon as the session is on record, before it waits
        for anything else. If the work fails, the slot is released. Raises ``StreamLimitReached``
        before the work, or after it if another start has taken over the new session before the
        check: the session has then ended, and its Idempotency-Key, if any, is released.
        """
        if not limit:
            yield Reservation()
            return
        claim = self._slots.claim(user_id, session_id, limit, take_over=take_over)
        if claim is None:
            _note_not_enforced()
            yield Reservation()
            return
        if not claim.is_granted:
            raise self._reached(user_id, limit, claim.slots)
        reservation = Reservation(
            [slot.session_id for slot in claim.slots],
            lambda: self._slots.heartbeat(user_id, session_id),
        )
        try:
            yield reservation
        except BaseException:
            self._slots.release(user_id, session_id)
            raise
        if reservation.is_lost:
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
        """Keep the slot of an open session; ``limit`` 0 means none.

        If Redis does not have the slot any more, a session with a recent heartbeat gets a new one
        while the limit permits it. Raises ``SessionEnded`` if the session has lost its slot.
        """
        if not limit:
            return
        is_recent = now - last_heartbeat_at < timedelta(seconds=LIFE_SECONDS)
        is_kept = self._slots.keep(user_id, session_id, limit if is_recent else 0)
        if is_kept is None:
            _note_not_enforced()
        elif not is_kept:
            raise SessionEnded("the session that was started with this key has lost its slot")

    def _refuse(self, user_id: UUID, session_id: UUID) -> None:
        # The start that took it over may not have found its row, which is only just committed.
        messages = self._playback.refuse_opened(
            user_id, session_id, clock.now(), self._events.message
        )
        self._events.begin_committed(messages)()

    def _reached(self, user_id: UUID, limit: int, slots: Sequence[Slot]) -> StreamLimitReached:
        return StreamLimitReached(
            f"the user has the maximum number of concurrent streams: {limit}",
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
    """Return the slot's data, for a session that is not in the database yet."""
    began = datetime.fromtimestamp(milliseconds_of(slot.session_id) / 1000, UTC)
    return LiveSession(slot.session_id, None, began, slot.heartbeat_at)
