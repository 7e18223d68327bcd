"""What callers get: the bodies of successful answers, which OpenAPI describes too.

Plain dataclasses, so that answering costs no import.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from streaming.domain.sessions import LiveSession

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


@dataclass(frozen=True, slots=True)
class ContinueWatching:
    """The films that the user has begun and never completed, newest first."""

    __pydantic_config__ = DOCUMENTED

    items: list[WatchProgress]
    """At most `limit` films."""


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


@dataclass(frozen=True, slots=True)
class Health:
    """The service runs."""

    __pydantic_config__ = DOCUMENTED

    status: str
    """Always `ok`."""


@dataclass(frozen=True, slots=True)
class GatewayMessage:
    """What API Gateway answers by itself, such as 401 to a request without a token."""

    __pydantic_config__ = DOCUMENTED

    message: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong (RFC 9457)."""

    __pydantic_config__ = DOCUMENTED

    type: str
    """A URN that names the kind of problem."""
    title: str
    """The kind of problem, for people."""
    status: int
    """The HTTP status."""
    detail: str
    """This problem, for people."""
    code: str
    """The kind of problem, for programs."""
    request_id: str
    """Quote it when asking for help."""


@dataclass(frozen=True, slots=True)
class StreamLimitProblem(Problem):
    """As many streams of the user run as may run at once (RFC 9457)."""

    __pydantic_config__ = DOCUMENTED

    max_streams: int
    """How many may run at once."""
    sessions: list[LiveSession]
    """Those that run, the oldest first, which `take_over` would end."""
