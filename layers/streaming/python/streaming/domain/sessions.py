"""Sessions: one player watching one film, from its start until it ends."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from streaming.domain.films import ManifestType
from streaming.domain.progress import SavedProgress

EndReason = Literal["abandoned", "taken_over"]
"""Why a session ended that its player did not stop."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that begins."""

    id: UUID
    user_id: UUID
    movie_id: UUID
    manifest_type: ManifestType
    film_duration_seconds: int | None
    started_at: datetime
    user_agent: str | None
    ip_address: str | None


@dataclass(frozen=True, slots=True)
class StartedStream:
    """A session that has begun, and how its film plays.

    ``manifest_url`` is valid for ``expires_in`` seconds. ``resume_position_seconds`` is the saved
    position, and ``completed`` whether the user has ever completed the film.
    """

    session_id: UUID
    manifest_type: ManifestType
    manifest_url: str
    expires_in: int
    duration_seconds: int | None
    resume_position_seconds: int
    completed: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A session on record. ``duration_seconds`` is how long it lasted, once it has ended."""

    id: UUID
    started_at: datetime
    ended_at: datetime | None
    end_reason: EndReason | None
    duration_seconds: int | None
    film_duration_seconds: int | None

    @property
    def is_open(self) -> bool:
        """Whether its player may still report."""
        return self.ended_at is None

    @property
    def is_abandoned(self) -> bool:
        """Whether it ended because nothing was heard of its player, who may come back."""
        return self.end_reason == "abandoned"


@dataclass(frozen=True, slots=True)
class ClosedSession:
    """A session that ended without its player's doing.

    ``position_seconds`` is the saved position in its film, None when there is none.
    """

    id: UUID
    user_id: UUID
    movie_id: UUID
    ended_at: datetime
    position_seconds: int | None
    reason: EndReason


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A stream that runs, or whose player was heard of less than a minute ago."""

    session_id: UUID
    """The session."""
    movie_id: UUID | None
    """The film; null while the session is only being opened."""
    started_at: datetime
    """When it was started."""
    last_heartbeat_at: datetime
    """When its player was last heard of."""


@dataclass(frozen=True, slots=True)
class RepeatedStart:
    """A session that is open already, and the user's ``progress`` in its film, if any."""

    progress: SavedProgress | None
    last_heartbeat_at: datetime


@dataclass(frozen=True, slots=True)
class EndedSession:
    """What a stop did.

    ``session_id`` is None when there was no session; ``ended_now`` is false when it had ended
    before. ``duration_seconds`` is how long it lasted; ``applied`` is false when the position did
    not change the record. ``event_is_next`` tells that no older event of the user waits in the
    outbox.
    """

    progress: SavedProgress
    session_id: UUID | None
    duration_seconds: int | None
    ended_now: bool
    applied: bool
    event_is_next: bool = False
