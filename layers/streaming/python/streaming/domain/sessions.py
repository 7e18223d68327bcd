"""Sessions: each is one playback of one film by one player, from start to end."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from streaming.domain.films import ManifestType
from streaming.domain.progress import SavedProgress

EndReason = Literal["abandoned", "taken_over"]
"""Why a session ended without a stop from its player."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to be opened."""

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
    """A started session, and how to play its film.

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
class ClosedSession:
    """A session that was ended by the service, not by its player.

    ``position_seconds`` is the saved position in its film, None if there is none.
    """

    id: UUID
    user_id: UUID
    movie_id: UUID
    ended_at: datetime
    position_seconds: int | None
    reason: EndReason


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A running stream: its player sent a request less than a minute ago."""

    session_id: UUID
    """The session."""
    movie_id: UUID | None
    """The film; null until the session has been opened."""
    started_at: datetime
    """When it was started."""
    last_heartbeat_at: datetime
    """When its player last sent a request."""


@dataclass(frozen=True, slots=True)
class RepeatedStart:
    """An already open session, and the user's ``progress`` in its film, if any."""

    progress: SavedProgress | None
    last_heartbeat_at: datetime


@dataclass(frozen=True, slots=True)
class EndedSession:
    """The result of a stop.

    ``session_id`` is None if there was no session; ``ended_now`` is false if it had ended before.
    ``duration_seconds`` is how long it lasted; ``applied`` is false if the position did not change
    the saved progress. ``event_is_next`` is true if the outbox has no older event of the user.
    """

    progress: SavedProgress
    session_id: UUID | None
    duration_seconds: int | None
    ended_now: bool
    applied: bool
    event_is_next: bool = False
