"""What callers get: the bodies of responses, which OpenAPI describes too.

Plain dataclasses, so that responding costs no import. ``of`` makes one of a use case's result.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from streaming.domain.films import ManifestType
from streaming.domain.progress import RecordedReport, SavedProgress, position_inside
from streaming.domain.sessions import EndedSession, StartedStream

if TYPE_CHECKING:
    from streaming.repository.personal_data import ErasedRows

DOCUMENTED = {"use_attribute_docstrings": True}


@dataclass(frozen=True, slots=True)
class Started:
    """A session has begun; the film plays from ``manifest_url``."""

    __pydantic_config__ = DOCUMENTED

    manifest_url: str
    """Presigned URL of the manifest, for the player."""
    expires_in: int
    """Seconds for which `manifest_url` is good."""
    manifest_type: str
    """`hls` or `dash`."""
    session_id: UUID
    """The session, to be sent with every report."""
    resume_position_seconds: int
    """The saved position, before the end of the film; 0 when the film was never watched."""
    duration_seconds: int | None
    """The film's length; null when it is not known."""
    completed: bool
    """Whether the film was ever watched to 90 % of its length."""

    @classmethod
    def of(cls, stream: StartedStream) -> Self:
        """Return the response to a start."""
        return cls(
            manifest_url=stream.manifest_url,
            expires_in=stream.expires_in,
            manifest_type=stream.manifest_type,
            session_id=stream.session_id,
            resume_position_seconds=stream.resume_position_seconds,
            duration_seconds=stream.duration_seconds,
            completed=stream.completed,
        )


@dataclass(frozen=True, slots=True)
class ProgressSaved:
    """The position on record after a report."""

    __pydantic_config__ = DOCUMENTED

    success: bool
    """Always true."""
    position_seconds: int
    """The position on record; a later report's, when this one came late."""
    message: str
    """For people."""
    applied: bool
    """False when what was watched later was already on record, or the session has ended."""
    session_ended: bool
    """True when the session was stopped, or taken over by another player: stop playing then."""

    @classmethod
    def of(cls, recorded: RecordedReport) -> Self:
        """Return the response to a report."""
        return cls(
            success=True,
            position_seconds=recorded.progress.position_seconds if recorded.progress else 0,
            message="Progress updated successfully",
            applied=recorded.applied,
            session_ended=recorded.session_ended,
        )


@dataclass(frozen=True, slots=True)
class WatchProgress:
    """How far the user has watched a film."""

    __pydantic_config__ = DOCUMENTED

    user_id: UUID
    """The user."""
    movie_id: UUID
    """The film."""
    position_seconds: int
    """Whole seconds from the film's beginning."""
    last_watched_at: datetime
    """When the position was watched."""
    duration_seconds: int | None
    """The film's length; null when it is not known."""
    completed: bool
    """Whether the film was ever watched to 90 % of its length."""
    completed_at: datetime | None
    """When it was last watched to 90 %; null when it never was, or the time is not known."""
    times_completed: int
    """How often it was watched to 90 %, as far as is known."""

    @classmethod
    def of(cls, progress: SavedProgress) -> Self:
        """Return the response for a saved position, which is before the end of the film."""
        duration = progress.film_duration_seconds
        if duration is None:
            duration = progress.duration_seconds
        return cls(
            user_id=progress.user_id,
            movie_id=progress.movie_id,
            position_seconds=position_inside(progress.position_seconds, duration),
            last_watched_at=progress.last_watched_at,
            duration_seconds=duration,
            completed=progress.completed,
            completed_at=progress.completed_at,
            times_completed=progress.times_completed,
        )


@dataclass(frozen=True, slots=True)
class ContinueWatching:
    """The films that the user has begun and never completed, newest first."""

    __pydantic_config__ = DOCUMENTED

    items: list[WatchProgress]
    """At most `limit` films."""

    @classmethod
    def of(cls, films: Iterable[SavedProgress]) -> Self:
        """Return the response for these films."""
        return cls([WatchProgress.of(progress) for progress in films])


@dataclass(frozen=True, slots=True)
class Stopped:
    """The session has ended and the final position is saved."""

    __pydantic_config__ = DOCUMENTED

    success: bool
    """Always true."""
    position_seconds: int
    """The position on record."""
    message: str
    """For people."""
    session_id: UUID | None
    """The session that has ended; null when there was none open."""
    duration_seconds: int | None
    """How long the session lasted; null without a session."""
    applied: bool
    """False when what was watched later was already on record."""
    session_ended: bool
    """Whether there was a session, which has ended now or had before."""

    @classmethod
    def of(cls, ended: EndedSession) -> Self:
        """Return the response to a stop."""
        return cls(
            success=True,
            position_seconds=ended.progress.position_seconds,
            message="Streaming stopped successfully",
            session_id=ended.session_id,
            duration_seconds=ended.duration_seconds,
            applied=ended.applied,
            session_ended=ended.session_id is not None,
        )


@dataclass(frozen=True, slots=True)
class Invalidated:
    """The film plays as it is in the bucket now."""

    __pydantic_config__ = DOCUMENTED

    success: bool
    """Always true."""
    movie_id: UUID
    """The film."""
    manifest_types: list[str]
    """The forms that the film has."""

    @classmethod
    def of(cls, movie_id: UUID, forms: Iterable[ManifestType]) -> Self:
        """Return the response for a film that has these forms."""
        return cls(success=True, movie_id=movie_id, manifest_types=list(forms))


@dataclass(frozen=True, slots=True)
class Erased:
    """The service knows nothing of the user any more; the counts say what it knew."""

    __pydantic_config__ = DOCUMENTED

    success: bool
    """Always true."""
    user_id: UUID
    """The user."""
    positions: int
    """Films whose position was deleted."""
    sessions: int
    """Sessions that were deleted."""
    events: int
    """Events that were deleted before Kafka had them."""

    @classmethod
    def of(cls, user_id: UUID, rows: "ErasedRows") -> Self:
        """Return the response for a user whose ``rows`` were deleted."""
        return cls(
            success=True,
            user_id=user_id,
            positions=rows.positions,
            sessions=rows.sessions,
            events=rows.events,
        )


@dataclass(frozen=True, slots=True)
class Health:
    """The service runs."""

    __pydantic_config__ = DOCUMENTED

    status: str
    """Always `ok`."""
