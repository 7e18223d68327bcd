"""The running streams of each user, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from streaming.cache import keys
from streaming.cache.stream_slots import LIFE_SECONDS, Claim, Slot, StreamSlots
from tests.fakes.cache import MemoryCache


@dataclass(frozen=True, slots=True)
class Stream:
    """A running session, or one that has ended, which a late heartbeat must not count again."""

    heartbeat_at: datetime
    ended_at: datetime | None = None
    taken_over_by: UUID | None = None

    @property
    def seen_at(self) -> datetime:
        """The time from which its time to live is measured."""
        return self.ended_at or self.heartbeat_at


class MemoryStreamSlots(StreamSlots):
    """The running streams in a ``MemoryCache``."""

    def __init__(self, cache: MemoryCache, life_seconds: float = LIFE_SECONDS) -> None:
        self._memory = cache
        self._life_time = timedelta(seconds=life_seconds)

    def claim(
        self, user_id: UUID, session_id: UUID, limit: int, *, take_over: bool
    ) -> Claim | None:
        """Count the session if fewer than ``limit`` others run; ``take_over`` ends the oldest."""
        if self._memory.is_down:
            return None
        now = self._memory.now()
        streams = {
            each: stream
            for each, stream in self._read(user_id).items()
            if now - stream.seen_at < self._life_time
        }
        live = sorted(each for each in streams if not streams[each].ended_at and each != session_id)
        is_held = session_id in streams and not streams[session_id].ended_at
        surplus = 0 if is_held else max(0, len(live) - limit + 1)
        if surplus and not take_over:
            self._write(user_id, streams)
            return Claim(is_granted=False, slots=[_slot(each, streams) for each in live])
        for each in live[:surplus]:
            streams[each] = replace(streams[each], ended_at=now, taken_over_by=session_id)
        taken = [each for each in sorted(streams) if streams[each].taken_over_by == session_id]
        slots = [_slot(each, streams) for each in taken]
        self._write(user_id, {**streams, session_id: Stream(now)})
        return Claim(is_granted=True, slots=slots)

    def keep(self, user_id: UUID, session_id: UUID, limit: int) -> bool | None:
        """Count a heartbeat of the session if it has a slot, or if a slot is free."""
        if self._memory.is_down:
            return None
        now = self._memory.now()
        streams = self._read(user_id)
        stream = streams.get(session_id)
        if stream is not None:
            if stream.ended_at or now - stream.heartbeat_at >= self._life_time:
                return False
        else:
            live = [
                other
                for other in streams.values()
                if not other.ended_at and now - other.heartbeat_at < self._life_time
            ]
            if len(live) >= limit:
                return False
        self._write(user_id, {**streams, session_id: Stream(now)})
        return True

    def release(self, user_id: UUID, session_id: UUID) -> bool | None:
        """Undo a granted claim and its take-overs."""
        if self._memory.is_down:
            return None
        streams = {
            each: Stream(stream.heartbeat_at) if stream.taken_over_by == session_id else stream
            for each, stream in self._read(user_id).items()
            if each != session_id
        }
        self._write(user_id, streams)
        return True

    def heartbeat(self, user_id: UUID, session_id: UUID) -> bool | None:
        """Count a heartbeat of the session; return False when it has ended or was taken over."""
        if self._memory.is_down:
            return None
        now = self._memory.now()
        streams = self._read(user_id)
        stream = streams.get(session_id)
        if stream and stream.ended_at and now - stream.ended_at < self._life_time:
            return False
        self._write(user_id, {**streams, session_id: Stream(now)})
        return True

    def heartbeat_along(self, user_id: UUID, session_id: UUID) -> None:
        """Count a heartbeat at once."""
        self.heartbeat(user_id, session_id)

    def end_along(self, user_id: UUID, session_id: UUID) -> None:
        """Stop counting the session at once."""
        self.end(user_id, session_id)

    def end(self, user_id: UUID, session_id: UUID) -> bool | None:
        """Stop counting the session, also when a late heartbeat arrives."""
        if self._memory.is_down:
            return None
        now = self._memory.now()
        self._write(user_id, {**self._read(user_id), session_id: Stream(now, ended_at=now)})
        return True

    def forget(self, user_id: UUID, session_id: UUID) -> bool | None:
        """Stop counting the session until its next heartbeat."""
        if self._memory.is_down:
            return None
        streams = self._read(user_id)
        streams.pop(session_id, None)
        self._write(user_id, streams)
        return True

    def forget_all(self, streams: Sequence[tuple[UUID, UUID]]) -> None:
        """Stop counting sessions until their next heartbeats."""
        for user_id, session_id in streams:
            self.forget(user_id, session_id)

    def _read(self, user_id: UUID) -> dict[UUID, Stream]:
        return dict(self._memory.read(keys.streams(user_id)) or {})

    def _write(self, user_id: UUID, streams: dict[UUID, Stream]) -> None:
        self._memory.write(keys.streams(user_id), streams, self._life_time)


def _slot(session_id: UUID, streams: dict[UUID, Stream]) -> Slot:
    return Slot(session_id, streams[session_id].heartbeat_at)
