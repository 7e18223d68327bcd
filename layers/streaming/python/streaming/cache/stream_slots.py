"""The running streams of each user in Redis: one hash a user, ``streams:{user_id}``.

A field is a session. Its value is the time of its last heartbeat in milliseconds of Redis' clock.
A negative value is a tombstone: the time when the session ended. It prevents a late heartbeat from
counting the session again. Both are valid for a minute. The tombstone of a take-over has the form
``-ended:by:heartbeat``: it also contains the session that took over and the last heartbeat, so that
a start that fails can undo it.

Each operation is one script on one key, so it is atomic in a cluster, too, and may be repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from streaming.cache import keys
from streaming.cache.client import Cache

LIFE_SECONDS = 60

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key, session, life = KEYS[1], ARGV[1], tonumber(ARGV[2])
"""

# A claim deletes expired fields; the key itself expires after the last one.
_CLAIM = f"""{_NOW}
local limit, take_over = tonumber(ARGV[3]), ARGV[4] == '1'
local live, taken, is_held = {{}}, {{}}, false
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
    local id, value = all[i], all[i + 1]
    local ended, by, beat = string.match(value, '^%-(%d+):?([^:]*):?(%d*)$')
    if now - (tonumber(ended or value) or 0) >= life then
        redis.call('HDEL', key, id)
    elseif not ended and id == session then
        is_held = true
    elseif not ended then
        table.insert(live, {{id, value}})
    elseif by == session then
        table.insert(taken, {{id, beat}})
    end
end
-- Ids are UUIDv7, so the first one is the oldest session.
table.sort(live, function(one, other) return one[1] < other[1] end)
local surplus = is_held and 0 or #live - limit + 1
if surplus > 0 and not take_over then
    return {{0, live}}
end
for i = 1, surplus do
    local id, beat = live[i][1], live[i][2]
    redis.call('HSET', key, id, string.format('-%d:%s:%s', now, session, beat))
    table.insert(taken, {{id, beat}})
end
redis.call('HSET', key, session, string.format('%d', now))
redis.call('PEXPIRE', key, life)
return {{1, taken}}
"""

# A session without a field may have started before Redis lost its data, or without a limit.
_KEEP = f"""{_NOW}
local limit = tonumber(ARGV[3])
local value = redis.call('HGET', key, session)
if value then
    if now - (tonumber(value) or 0) >= life or string.sub(value, 1, 1) == '-' then
        return 0
    end
else
    local live = 0
    for _, other in ipairs(redis.call('HVALS', key)) do
        local beat = tonumber(other)
        if beat and beat > 0 and now - beat < life then
            live = live + 1
        end
    end
    if live >= limit then
        return 0
    end
end
redis.call('HSET', key, session, string.format('%d', now))
redis.call('PEXPIRE', key, life)
return 1
"""

_RELEASE = f"""{_NOW}
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
    local by, beat = string.match(all[i + 1], '^%-%d+:([^:]+):(%d+)$')
    if by == session then
        redis.call('HSET', key, all[i], beat)
    end
end
redis.call('HDEL', key, session)
return 1
"""

_HEARTBEAT = f"""{_NOW}
local ended = string.match(redis.call('HGET', key, session) or '', '^%-(%d+)')
if ended and now - ended < life then
    return 0
end
redis.call('HSET', key, session, string.format('%d', now))
redis.call('PEXPIRE', key, life)
return 1
"""

_END = f"""{_NOW}
redis.call('HSET', key, session, string.format('-%d', now))
redis.call('PEXPIRE', key, life)
return 1
"""

_FORGOTTEN_TOGETHER = 25
_FORGET = f"""{_NOW}
redis.call('HDEL', key, session)
return 1
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """A running stream and its last heartbeat."""

    session_id: UUID
    heartbeat_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """The result of a claim.

    ``slots`` are those that a granted claim took over, or those that prevent a refused one; the
    oldest first.
    """

    is_granted: bool
    slots: Sequence[Slot]


class StreamSlots:
    """Counts streams by their heartbeats.

    Each method returns None when Redis does not answer. ``life_seconds`` is how long a stream
    counts after its last heartbeat.
    """

    def __init__(self, cache: Cache, life_seconds: float = LIFE_SECONDS) -> None:
        self._cache = cache
        self._life = int(life_seconds * 1000)

    def claim(
        self, user_id: UUID, session_id: UUID, limit: int, *, take_over: bool
    ) -> Claim | None:
        """Count the session if fewer than ``limit`` others run; with ``take_over``, end the oldest.

        A session that is already counted is granted again.
        """
        arguments = (limit, int(take_over))
        answer = self._run("claim_stream", _CLAIM, user_id, session_id, *arguments)
        if answer is None:
            return None
        slots = sorted(map(_slot, answer[1]), key=lambda slot: slot.session_id)
        return Claim(bool(answer[0]), slots)

    def keep(self, user_id: UUID, session_id: UUID, limit: int) -> bool | None:
        """Count a heartbeat of the session if it is counted, or if Redis has no data of it.

        An unknown session is counted while fewer than ``limit`` others run. Returns False when the
        session has ended, was taken over, or its last heartbeat is older than streams count.
        """
        return self._flag("keep_stream", _KEEP, user_id, session_id, limit)

    def release(self, user_id: UUID, session_id: UUID) -> bool | None:
        """Undo a granted claim and its take-overs."""
        return self._flag("release_stream", _RELEASE, user_id, session_id)

    def heartbeat(self, user_id: UUID, session_id: UUID) -> bool | None:
        """Count a heartbeat of the session; return False when it has ended or was taken over."""
        return self._flag("count_stream", _HEARTBEAT, user_id, session_id)

    def heartbeat_along(self, user_id: UUID, session_id: UUID) -> None:
        """Count a heartbeat in the round trip of the next operation on Redis."""
        self._run_along(_HEARTBEAT, user_id, session_id)

    def end_along(self, user_id: UUID, session_id: UUID) -> None:
        """Stop counting the session in the round trip of the next operation on Redis."""
        self._run_along(_END, user_id, session_id)

    def end(self, user_id: UUID, session_id: UUID) -> bool | None:
        """Stop counting the session, also when a late heartbeat arrives."""
        return self._flag("end_stream", _END, user_id, session_id)

    def forget(self, user_id: UUID, session_id: UUID) -> bool | None:
        """Stop counting the session until its next heartbeat."""
        return self._flag("forget_stream", _FORGET, user_id, session_id)

    def forget_all(self, streams: Sequence[tuple[UUID, UUID]]) -> None:
        """Stop counting sessions until their next heartbeats.

        Each is given by its user and its own id. Some share a round trip, few enough for the time
        of one operation, in which a cluster, or a server without the script, needs a round trip
        for each.
        """
        for number, (user_id, session_id) in enumerate(streams, 1):
            if number % _FORGOTTEN_TOGETHER and number < len(streams):
                self._run_along(_FORGET, user_id, session_id)
            else:
                self.forget(user_id, session_id)

    def _flag(
        self, operation: str, script: str, user_id: UUID, session_id: UUID, *arguments: int
    ) -> bool | None:
        answer = self._run(operation, script, user_id, session_id, *arguments)
        return None if answer is None else bool(answer)

    def _run_along(self, script: str, user_id: UUID, session_id: UUID) -> None:
        self._cache.run_along(script, keys.streams(user_id), str(session_id), self._life)

    def _run(
        self, operation: str, script: str, user_id: UUID, session_id: UUID, *arguments: int
    ) -> Any:
        key = keys.streams(user_id)
        return self._cache.run(operation, script, key, str(session_id), self._life, *arguments)


def forget_streams(cache: Cache, user_id: UUID) -> bool:
    """Delete the slots of the user; return whether Redis answered."""
    return cache.delete(keys.streams(user_id))


def _slot(pair: Sequence[str]) -> Slot:
    session_id, milliseconds = pair
    return Slot(UUID(session_id), datetime.fromtimestamp(int(milliseconds) / 1000, UTC))
