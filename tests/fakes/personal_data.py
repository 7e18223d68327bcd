"""The deletion of personal data, in memory."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from streaming.domain import clock
from streaming.domain.identifiers import first_uuid7
from streaming.repository.personal_data import ErasedRows, ForgetCopies, Forgotten, PersonalData
from tests.fakes.record import MemoryRecord


class MemoryPersonalData(PersonalData):
    """The personal data of a ``MemoryRecord``."""

    def __init__(self, record: MemoryRecord) -> None:
        self._record = record

    def forget(self, before: datetime, limit: int) -> Forgotten:
        """Delete data older than ``before``, at most ``limit`` rows of each kind."""
        sessions, dead_letters = self._record.sessions, self._record.dead_letters
        first_id = first_uuid7(clock.milliseconds(before))
        with self._record.transaction():
            ended = [
                row.id
                for _, row in sorted(sessions.items())
                if row.id < first_id and row.ended_at and row.ended_at < before
            ][:limit]
            for session_id in ended:
                del sessions[session_id]
            begun = [
                row
                for _, row in sorted(sessions.items())
                if row.id < first_id and (row.ip_address or row.user_agent)
            ][:limit]
            for row in begun:
                sessions[row.id] = replace(row, ip_address=None, user_agent=None)
            dead = [key for key, row in dead_letters.items() if row.died_at < before][:limit]
            for event_id in dead:
                del dead_letters[event_id]
            return Forgotten(len(ended), len(begun), len(dead))

    def erase(self, user_id: UUID, forget_copies: ForgetCopies) -> ErasedRows:
        """Delete every row of the user; an error in ``forget_copies`` reverts all deletions."""
        record, key = self._record, str(user_id)
        with record.transaction():
            sessions = [row.id for row in record.sessions.values() if row.user_id == user_id]
            positions = [place for place in record.positions if place[0] == user_id]
            waiting = [row.id for row in record.outbox.values() if row.message.key == key]
            dead = [
                event_id for event_id, row in record.dead_letters.items() if row.message.key == key
            ]
            for session_id in sessions:
                del record.sessions[session_id]
            for place in positions:
                del record.positions[place]
            for row_id in waiting:
                del record.outbox[row_id]
            for event_id in dead:
                del record.dead_letters[event_id]
            for owner, value in [place for place in record.keys if place[0] == user_id]:
                del record.keys[owner, value]
            forget_copies([movie_id for _, movie_id in positions])
            return ErasedRows(len(positions), len(sessions), len(waiting) + len(dead))
