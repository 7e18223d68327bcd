"""Models of request bodies, which validate them and describe them in OpenAPI."""

from datetime import datetime
from typing import Annotated, Literal, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from streaming.domain.errors import InvalidJson, InvalidRequest
from streaming.domain.progress import Report

LONGEST_POSITION_SECONDS = 7 * 24 * 3600
# Signed URLs expire within a week; a player may report later what was watched before.
LONGEST_AGE_SECONDS = 30 * 24 * 3600

Model = TypeVar("Model", bound=BaseModel)


def _whole(value: object) -> object:
    """Convert ``120.0`` to 120: JSON Schema and JavaScript do not distinguish them."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Seconds = Annotated[int, Field(ge=0, le=LONGEST_POSITION_SECONDS), BeforeValidator(_whole)]
Age = Annotated[float, Field(ge=0, le=LONGEST_AGE_SECONDS, allow_inf_nan=False)]
Sequence = Annotated[int, Field(ge=0, le=(1 << 53) - 1), BeforeValidator(_whole)]


class StartRequest(BaseModel):
    """The manifest type that the player needs, and what to do at the stream limit."""

    model_config = ConfigDict(
        strict=True, json_schema_extra={"examples": [{"manifest_type": "hls"}]}
    )

    manifest_type: Literal["hls", "dash"] = Field(
        default="hls", description="HLS (`index.m3u8`) or DASH (`index.mpd`)."
    )
    take_over: bool = Field(
        default=False,
        description="At the limit of concurrent streams, end the oldest instead of answering 429.",
    )


class PositionRequest(BaseModel):
    """The position of the player."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [{"position_seconds": 120}],
            "if": {"properties": {"sequence": {"type": "integer"}}, "required": ["sequence"]},
            "then": {"properties": {"session_id": {"type": "string"}}, "required": ["session_id"]},
        },
    )

    position_seconds: Seconds = Field(description="Whole seconds from the start of the film.")
    session_id: Annotated[UUID, Field(strict=False)] | None = Field(
        default=None, description="The `session_id` from the response to the start."
    )
    sequence: Sequence | None = Field(
        default=None,
        description="The report's number in its session: an older report changes nothing.",
    )
    age_seconds: Age = Field(
        default=0.0,
        description="How many seconds ago the position was measured, by a monotonic clock; a "
        "repeat has a greater age. The position that was watched last is saved.",
    )

    @model_validator(mode="after")
    def _sequence_counts_within_a_session(self) -> Self:
        if self.sequence is not None and self.session_id is None:
            raise ValueError("sequence needs session_id")
        return self

    def to_report(self, user_id: UUID, movie_id: UUID, now: datetime) -> Report:
        """Return the user's report of the film with this body, received at ``now``."""
        return Report(
            user_id,
            movie_id,
            self.position_seconds,
            self.session_id,
            self.sequence,
            now,
            self.age_seconds,
        )


def parse(model: type[Model], body: bytes) -> Model:
    """Validate ``body`` as ``model``; an empty body counts as ``{}``.

    Raises ``InvalidJson`` if it is not JSON, and ``InvalidRequest``, whose ``errors`` name the
    fields, if it does not match the model.
    """
    try:
        return model.model_validate_json(body.strip() or b"{}")
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        if problems[0]["type"] == "json_invalid":
            raise InvalidJson("the body is not valid JSON") from None
        errors = [
            {"field": ".".join(map(str, each["loc"])), "message": each["msg"]} for each in problems
        ]
        detail = "; ".join(f"{each['field'] or 'body'}: {each['message']}" for each in errors)
        raise InvalidRequest(detail, errors=errors) from None
