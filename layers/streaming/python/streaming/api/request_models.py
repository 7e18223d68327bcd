"""The bodies of requests: their fields, their validation, and their description in OpenAPI."""

from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Protocol, TypeVar, get_args
from uuid import UUID

from streaming.api.json_body import parse_json
from streaming.api.request_fields import (
    FieldType,
    Flag,
    Identifier,
    InvalidField,
    Number,
    OneOf,
    WholeNumber,
)
from streaming.domain.errors import InvalidRequest
from streaming.domain.films import ManifestType
from streaming.domain.progress import Report

LONGEST_POSITION_SECONDS = 7 * 24 * 3600
# Signed URLs expire within a week; a player may report later what was watched before.
LONGEST_AGE_SECONDS = 30 * 24 * 3600
GREATEST_SEQUENCE = (1 << 53) - 1


class _Body(Protocol):
    def problem(self) -> str | None:
        """Say what is wrong with the fields together; None if nothing is."""
        ...


Model = TypeVar("Model", bound=_Body)


@dataclass(frozen=True, slots=True)
class StartRequest:
    """The manifest type that the player needs, and what to do at the stream limit."""

    __pydantic_config__ = {  # noqa: RUF012 - pydantic's name, which only tools/openapi.py reads
        "use_attribute_docstrings": True,
        "json_schema_extra": {"examples": [{"manifest_type": "hls"}]},
    }

    manifest_type: Annotated[ManifestType, OneOf("hls", "dash")] = "hls"
    """HLS (`index.m3u8`) or DASH (`index.mpd`)."""
    take_over: Annotated[bool, Flag()] = False
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

    __pydantic_config__ = {  # noqa: RUF012 - pydantic's name, which only tools/openapi.py reads
        "use_attribute_docstrings": True,
        "json_schema_extra": {
            "examples": [{"position_seconds": 120}],
            "if": {"properties": {"sequence": {"type": "integer"}}, "required": ["sequence"]},
            "then": {"properties": {"session_id": {"type": "string"}}, "required": ["session_id"]},
        },
    }

    position_seconds: Annotated[int, WholeNumber(LONGEST_POSITION_SECONDS)]
    """Whole seconds from the start of the film."""
    session_id: Annotated[UUID, Identifier()] | None = None
    """The `session_id` from the response to the start."""
    sequence: Annotated[int, WholeNumber(GREATEST_SEQUENCE)] | None = None
    """The report's number in its session: an older report changes nothing."""
    age_seconds: Annotated[float, Number(LONGEST_AGE_SECONDS)] = 0.0
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
    members = parse_json(body)
    if not isinstance(members, dict):
        raise _invalid([("", "Input should be an object")])
    values: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for name, (kind, is_nullable, is_required) in _fields_of(model).items():
        if name not in members:
            if is_required:
                problems.append((name, "Field required"))
            continue
        value = members[name]
        try:
            values[name] = None if value is None and is_nullable else kind.read(value)
        except InvalidField as error:
            problems.append((name, str(error)))
    if problems:
        raise _invalid(problems)
    request = model(**values)
    problem = request.problem()
    if problem:
        raise _invalid([("", problem)])
    return request


@cache
def _fields_of(model: Any) -> dict[str, tuple[FieldType, bool, bool]]:
    """Return the type of each field, whether it may be null, and whether it is required."""
    found: dict[str, tuple[FieldType, bool, bool]] = {}
    for each in fields(model):
        members = get_args(each.type)
        is_nullable = type(None) in members
        annotated: Any = members[0] if is_nullable else each.type
        found[each.name] = (annotated.__metadata__[0], is_nullable, each.default is MISSING)
    return found


def _invalid(problems: list[tuple[str, str]]) -> InvalidRequest:
    detail = "; ".join(f"{field or 'body'}: {message}" for field, message in problems)
    errors = [{"field": field, "message": message} for field, message in problems]
    return InvalidRequest(detail, errors=errors)
