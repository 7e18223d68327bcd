"""The idempotency keys of starts, in memory."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from streaming.domain.errors import IdempotencyKeyReused, RequestInProgress
from streaming.domain.idempotency import Attempt, IdempotencyKey
from streaming.repository.idempotency import IdempotencyKeys
from tests.fakes.record import KeyRow, MemoryRecord


class MemoryIdempotencyKeys(IdempotencyKeys):
    """The keys of a ``MemoryRecord``."""

    def __init__(self, record: MemoryRecord) -> None:
        self._record = record

    def claim(
        self, user_id: UUID, key: IdempotencyKey, attempt: Attempt, seconds: float
    ) -> Attempt:
        """Begin ``attempt`` with ``key`` for ``seconds``, or return the previous attempt.

        Raises ``IdempotencyKeyReused`` and ``RequestInProgress``.
        """
        with self._record.transaction():
            now = self._record.now()
            running_until = now + timedelta(seconds=seconds)
            known = self._record.keys.get((user_id, key.value))
            if known is None:
                known = KeyRow(
                    fingerprint=key.fingerprint,
                    session_id=attempt.session_id,
                    event_id=attempt.event_id,
                    created_at=now,
                    running_until=running_until,
                )
            elif known.fingerprint != key.fingerprint:
                raise IdempotencyKeyReused("this Idempotency-Key was sent with another request")
            elif known.is_completed:
                return Attempt(known.session_id, known.event_id, is_completed=True)
            elif known.running_until >= now:
                raise RequestInProgress("a request with this Idempotency-Key is still running")
            self._record.keys[user_id, key.value] = replace(known, running_until=running_until)
            return Attempt(known.session_id, known.event_id)

    def release(self, user_id: UUID, key: IdempotencyKey, attempt: Attempt) -> None:
        """Delete a failed ``attempt``, so that its request may be repeated immediately."""
        with self._record.transaction():
            known = self._record.keys.get((user_id, key.value))
            if known and known.session_id == attempt.session_id and not known.is_completed:
                del self._record.keys[user_id, key.value]

    def delete_old(self, before: datetime, limit: int) -> int:
        """Delete keys older than ``before``, at most ``limit``; return their number."""
        with self._record.transaction():
            old = [place for place, row in self._record.keys.items() if row.created_at < before]
            old.sort(key=lambda place: self._record.keys[place].created_at)
            for place in old[:limit]:
                del self._record.keys[place]
            return len(old[:limit])


def complete(record: MemoryRecord, user_id: UUID, key: IdempotencyKey, session_id: UUID) -> None:
    """Record that the session of ``key`` is open."""
    known = record.keys.get((user_id, key.value))
    if known and known.session_id == session_id:
        record.keys[user_id, key.value] = replace(known, is_completed=True)


def forget(record: MemoryRecord, user_id: UUID, session_id: UUID) -> None:
    """Delete the key of a session."""
    for (owner, value), row in list(record.keys.items()):
        if owner == user_id and row.session_id == session_id:
            del record.keys[owner, value]
