"""The tables of PostgreSQL as dictionaries in memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from streaming.domain import clock
from streaming.domain.errors import DatabaseUnavailable
from streaming.domain.films import ManifestType
from streaming.domain.progress import SavedProgress
from streaming.domain.sessions import EndReason
from streaming.events.event import Message
from streaming.resilience.cache_trust import RecordedTrust


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A row of ``stream_sessions``."""

    id: UUID
    user_id: UUID
    movie_id: UUID
    manifest_type: ManifestType
    film_duration_seconds: int | None
    started_at: datetime
    last_heartbeat_at: datetime
    user_agent: str | None
    ip_address: str | None
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    duration_seconds: int | None = None
    last_sequence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmRow:
    """A row of ``films``."""

    created_at: datetime
    is_there: bool | None = None
    duration_seconds: int | None = None
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A row of ``idempotency_keys``."""

    fingerprint: str
    session_id: UUID
    event_id: UUID
    created_at: datetime
    running_until: datetime
    is_completed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A row of ``event_outbox``."""

    id: int
    message: Message
    created_at: datetime
    attempts: int = 0
    next_attempt_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterRow:
    """A row of ``event_dead_letters``."""

    message: Message
    attempts: int
    error: str
    died_at: datetime


class MemoryRecord:
    """The tables. While it ``is_down``, every transaction raises ``DatabaseUnavailable``.

    ``now`` is PostgreSQL's clock.
    """

    def __init__(self, now: Callable[[], datetime] = clock.now) -> None:
        self.now = now
        self.is_down = False
        self.sessions: dict[UUID, SessionRow] = {}
        self.positions: dict[tuple[UUID, UUID], SavedProgress] = {}
        self.films: dict[UUID, FilmRow] = {}
        self.keys: dict[tuple[UUID, str], KeyRow] = {}
        self.outbox: dict[int, OutboxRow] = {}
        self.dead_letters: dict[UUID, DeadLetterRow] = {}
        self.cache_trust = RecordedTrust([], now(), now())
        # Called at the beginning of each transaction.
        self.learn: Callable[[], None] = lambda: None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Revert the changes of the enclosed work if it raises. Raises ``DatabaseUnavailable``."""
        if self.is_down:
            raise DatabaseUnavailable("the database does not answer")
        tables: tuple[dict[Any, Any], ...] = (
            self.sessions,
            self.positions,
            self.films,
            self.keys,
            self.outbox,
            self.dead_letters,
        )
        self.learn()
        before = [dict(table) for table in tables]
        try:
            yield
        except BaseException:
            for table, rows in zip(tables, before, strict=True):
                table.clear()
                table.update(rows)
            raise
