"""The bodies of requests."""

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
