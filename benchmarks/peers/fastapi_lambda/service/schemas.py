"""The bodies of requests and responses."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator


class StartRequest(BaseModel):
    """The manifest type that the player needs."""

    manifest_type: Literal["hls", "dash"] = "hls"


class PositionRequest(BaseModel):
    """The position of the player."""

    position_seconds: int = Field(ge=0, le=7 * 24 * 3600)
    session_id: UUID | None = None
    sequence: int | None = Field(default=None, ge=0, lt=1 << 53)
    age_seconds: float = Field(default=0.0, ge=0, le=30 * 24 * 3600)

    @model_validator(mode="after")
    def _sequence_needs_session(self) -> Self:
        if self.sequence is not None and self.session_id is None:
            raise ValueError("sequence needs session_id")
        return self


class Started(BaseModel):
    """A session has started."""

    manifest_url: str
    expires_in: int
    manifest_type: str
    session_id: UUID
    resume_position_seconds: int
    duration_seconds: int | None
    completed: bool


class ProgressSaved(BaseModel):
    """The saved position after a report."""

    success: bool = True
    position_seconds: int
    message: str = "Progress updated successfully"
    applied: bool
    session_ended: bool


class Stopped(BaseModel):
    """The session has ended."""

    success: bool = True
    position_seconds: int
    message: str = "Streaming stopped successfully"
    session_id: UUID | None
    duration_seconds: int | None
    applied: bool
    session_ended: bool


class Progress(BaseModel, from_attributes=True):
    """A user's progress in a film; also the value in Redis."""

    user_id: UUID
    movie_id: UUID
    position_seconds: int
    last_watched_at: datetime
    duration_seconds: int | None
    completed: bool
    completed_at: datetime | None
    times_completed: int
