"""Models of request bodies, which validate them and describe them in OpenAPI.

pydantic-core, the validator of pydantic, is used without pydantic, whose import takes twice
as long (docs/decisions/0026-cold-starts.md). tools/openapi.py gives the dataclasses to pydantic.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol, TypeVar
from uuid import UUID

from annotated_types import Interval
from pydantic_core import CoreSchema, SchemaValidator, ValidationError

from streaming.domain.errors import InvalidJson, InvalidRequest
from streaming.domain.films import ManifestType
from streaming.domain.progress import Report

LONGEST_POSITION_SECONDS = 7 * 24 * 3600
# Signed URLs expire within a week; a player may report later what was watched before.
LONGEST_AGE_SECONDS = 30 * 24 * 3600
GREATEST_SEQUENCE = (1 << 53) - 1


def _whole(value: object) -> object:
    """Convert ``120.0`` to 120: JSON Schema and JavaScript do not distinguish them."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _whole_number(most: int) -> CoreSchema:
    return {
        "type": "function-before",
        "function": {"type": "no-info", "function": _whole},
        "schema": {"type": "int", "ge": 0, "le": most},
    }


def _optional(schema: CoreSchema, default: object) -> Any:
    """Return the field of an object that may be absent."""
    with_default = {"type": "default", "schema": schema, "default": default}
    return {"type": "typed-dict-field", "schema": with_default, "required": False}


def _nullable(schema: CoreSchema) -> CoreSchema:
    return {"type": "nullable", "schema": schema}


def _object(**members: Any) -> SchemaValidator:
    """Return the validator of an object with these fields, without conversion between types."""
    return SchemaValidator({"type": "typed-dict", "fields": members, "config": {"strict": True}})


class _Body(Protocol):
    VALIDATOR: ClassVar[SchemaValidator]

    def problem(self) -> str | None:
        """Say what is wrong with the fields together; None if nothing is."""
        ...


Model = TypeVar("Model", bound=_Body)


@dataclass(frozen=True, slots=True)
class StartRequest:
    """The manifest type that the player needs, and what to do at the stream limit."""

    VALIDATOR: ClassVar[SchemaValidator] = _object(
        manifest_type=_optional({"type": "literal", "expected": ["hls", "dash"]}, "hls"),
        take_over=_optional({"type": "bool"}, default=False),
    )
    __pydantic_config__ = {  # noqa: RUF012 - pydantic's name, which only tools/openapi.py reads
        "use_attribute_docstrings": True,
        "json_schema_extra": {"examples": [{"manifest_type": "hls"}]},
    }

    manifest_type: ManifestType = "hls"
    """HLS (`index.m3u8`) or DASH (`index.mpd`)."""
    take_over: bool = False
    """At the limit of concurrent streams, end the oldest instead of answering 429."""

    def problem(self) -> None:
        """Return None: the fields do not depend on each other."""

    def chosen(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults."""
        return {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if getattr(self, each.name) != each.default
        }


@dataclass(frozen=True, slots=True)
class PositionRequest:
    """The position of the player."""

    VALIDATOR: ClassVar[SchemaValidator] = _object(
        position_seconds={
            "type": "typed-dict-field",
            "schema": _whole_number(LONGEST_POSITION_SECONDS),
        },
        session_id=_optional(_nullable({"type": "uuid", "strict": False}), None),
        sequence=_optional(_nullable(_whole_number(GREATEST_SEQUENCE)), None),
        age_seconds=_optional(
            {"type": "float", "ge": 0, "le": LONGEST_AGE_SECONDS, "allow_inf_nan": False}, 0.0
        ),
    )
    __pydantic_config__ = {  # noqa: RUF012 - pydantic's name, which only tools/openapi.py reads
        "use_attribute_docstrings": True,
        "json_schema_extra": {
            "examples": [{"position_seconds": 120}],
            "if": {"properties": {"sequence": {"type": "integer"}}, "required": ["sequence"]},
            "then": {"properties": {"session_id": {"type": "string"}}, "required": ["session_id"]},
        },
    }

    position_seconds: Annotated[int, Interval(ge=0, le=LONGEST_POSITION_SECONDS)]
    """Whole seconds from the start of the film."""
    session_id: UUID | None = None
    """The `session_id` from the response to the start."""
    sequence: Annotated[int, Interval(ge=0, le=GREATEST_SEQUENCE)] | None = None
    """The report's number in its session: an older report changes nothing."""
    age_seconds: Annotated[float, Interval(ge=0, le=LONGEST_AGE_SECONDS)] = 0.0
    """How many seconds ago the position was measured, by a monotonic clock; a repeat has a greater
    age. The position that was watched last is saved."""

    def problem(self) -> str | None:
        """Require a session for a sequence, which counts within one."""
        if self.sequence is not None and self.session_id is None:
            return "sequence needs session_id"
        return None

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
        request = model(**model.VALIDATOR.validate_json(body.strip() or b"{}"))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        if problems[0]["type"] == "json_invalid":
            raise InvalidJson("the body is not valid JSON") from None
        raise _invalid(
            [(".".join(map(str, each["loc"])), each["msg"]) for each in problems]
        ) from None
    problem = request.problem()
    if problem:
        raise _invalid([("", problem)])
    return request


def _invalid(problems: list[tuple[str, str]]) -> InvalidRequest:
    detail = "; ".join(f"{field or 'body'}: {message}" for field, message in problems)
    errors = [{"field": field, "message": message} for field, message in problems]
    return InvalidRequest(detail, errors=errors)
