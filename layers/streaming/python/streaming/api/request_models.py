"""What callers may send: the models that validate request bodies and describe them in OpenAPI."""

from datetime import datetime
from typing import Annotated, Literal, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from streaming.domain.errors import InvalidJson, InvalidRequest
from streaming.domain.progress import Report

LONGEST_POSITION_SECONDS = 7 * 24 * 3600
# URLs live no longer than a week; who was offline for long may still tell what was watched.
LONGEST_AGE_SECONDS = 30 * 24 * 3600

Model = TypeVar("Model", bound=BaseModel)


def _whole(value: object) -> object:
    """Read ``120.0`` as 120: to JSON Schema, and to JavaScript, it is the same number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Seconds = Annotated[int, Field(ge=0, le=LONGEST_POSITION_SECONDS), BeforeValidator(_whole)]
Age = Annotated[float, Field(ge=0, le=LONGEST_AGE_SECONDS, allow_inf_nan=False)]
Sequence = Annotated[int, Field(ge=0, le=(1 << 53) - 1), BeforeValidator(_whole)]


class StartRequest(BaseModel):
    """Which form of the film the player wants, and what to do when too many streams run."""

    model_config = ConfigDict(
        strict=True, json_schema_extra={"examples": [{"manifest_type": "hls"}]}
    )

    manifest_type: Literal["hls", "dash"] = Field(
        default="hls", description="HLS (`index.m3u8`) or DASH (`index.mpd`)."
    )
    take_over: bool = Field(
        default=False,
        description="When as many streams run as may: end the oldest instead of answering 429.",
    )


class PositionRequest(BaseModel):
    """Where the player is."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [{"position_seconds": 120}],
            "if": {"properties": {"sequence": {"type": "integer"}}, "required": ["sequence"]},
            "then": {"properties": {"session_id": {"type": "string"}}, "required": ["session_id"]},
        },
    )

    position_seconds: Seconds = Field(description="Whole seconds from the film's beginning.")
    session_id: Annotated[UUID, Field(strict=False)] | None = Field(
        default=None, description="The `session_id` that the start answered."
    )
    sequence: Sequence | None = Field(
        default=None,
        description="Counts the reports of a session; with it, a late report changes nothing.",
    )
    age_seconds: Age = Field(
        default=0.0,
        description="How long ago the position was measured, by a clock that is never set; a "
        "repeat lets it grow. What was watched last counts.",
    )

    @model_validator(mode="after")
    def _sequence_counts_within_a_session(self) -> Self:
        if self.sequence is not None and self.session_id is None:
            raise ValueError("sequence needs session_id")
        return self

    def to_report(self, user_id: UUID, movie_id: UUID, now: datetime) -> Report:
        """Return the report that the user makes ``now``, of the film, with this body."""
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

    Raises ``InvalidJson`` when it is no JSON and ``InvalidRequest``, with ``errors`` that name the
    fields, when it is not the right JSON.
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
