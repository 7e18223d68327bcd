"""The bodies of responses, also for OpenAPI.

They are plain dataclasses, so that a response needs no further import. ``of`` converts the result
of a use case.
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
    """A session has started; the film plays from ``manifest_url``."""

    __pydantic_config__ = DOCUMENTED

    manifest_url: str
    """The presigned URL of the manifest, for the player."""
    expires_in: int
    """The seconds for which `manifest_url` is valid."""
    manifest_type: str
    """`hls` or `dash`."""
    session_id: UUID
    """The session, to be sent with every report."""
    resume_position_seconds: int
    """The saved position, before the end of the film; 0 if the film was never watched."""
    duration_seconds: int | None
    """The film's duration; null if it is not known."""
    completed: bool
    """Whether the user has ever reached 90 % of the film."""

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
    """The saved position after a report."""

    __pydantic_config__ = DOCUMENTED

    success: bool
    """Always true."""
    position_seconds: int
    """The saved position; that of another report if this one arrived late."""
    message: str
    """A confirmation, for people."""
    applied: bool
    """False if a position that was watched later was already saved, or the session has ended."""
    session_ended: bool
    """True if the session was stopped, or taken over by another player: stop playing then."""

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
    """The user's progress in a film."""

    __pydantic_config__ = DOCUMENTED

    user_id: UUID
    """The user."""
    movie_id: UUID
    """The film."""
    position_seconds: int
    """Whole seconds from the start of the film."""
    last_watched_at: datetime
    """When the position was watched."""
    duration_seconds: int | None
    """The film's duration; null if it is not known."""
    completed: bool
    """Whether the user has ever reached 90 % of the film."""
    completed_at: datetime | None
    """When the user last reached 90 %; null if never, or if the time is not known."""
    times_completed: int
    """How often the user has reached 90 %, as far as is known."""

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
    """The films that the user has started and never completed, newest first."""

    __pydantic_config__ = DOCUMENTED

    items: list[WatchProgress]
    """At most `limit` films."""

    @classmethod
    def of(cls, films: Iterable[SavedProgress]) -> Self:
        """Return the response for these films."""
        return cls([WatchProgress.of(progress) for progress in films])


@dataclass(frozen=True, slots=True)
class Stopped:
    """The session has ended, and the final position is saved."""

    __pydantic_config__ = DOCUMENTED

    success: bool
    """Always true."""
    position_seconds: int
    """The saved position."""
    message: str
    """A confirmation, for people."""
    session_id: UUID | None
    """The session that has ended; null if there was none."""
    duration_seconds: int | None
    """How long the session lasted; null without a session."""
    applied: bool
    """False if a position that was watched later was already saved."""
    session_ended: bool
    """Whether there was a session; it has ended now or had ended before."""

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
    """The film is published as it is in the bucket now."""

    __pydantic_config__ = DOCUMENTED

    success: bool
    """Always true."""
    movie_id: UUID
    """The film."""
    manifest_types: list[str]
    """The manifest types that the film has."""

    @classmethod
    def of(cls, movie_id: UUID, forms: Iterable[ManifestType]) -> Self:
        """Return the response for a film that has these manifest types."""
        return cls(success=True, movie_id=movie_id, manifest_types=list(forms))


@dataclass(frozen=True, slots=True)
class Erased:
    """The user's data has been deleted; the counts are the numbers of deleted records."""

    __pydantic_config__ = DOCUMENTED

    success: bool
    """Always true."""
    user_id: UUID
    """The user."""
    positions: int
    """The films whose position was deleted."""
    sessions: int
    """The sessions that were deleted."""
    events: int
    """The events that were deleted before they were sent to Kafka."""

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
    """The service is running."""

    __pydantic_config__ = DOCUMENTED

    status: str
    """Always `ok`."""
