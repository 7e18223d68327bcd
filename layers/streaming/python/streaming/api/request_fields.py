"""The types and limits of the fields in request bodies.

They validate what a player sends and describe it in OpenAPI. A library for this takes a fifth of
the time of a cold start (docs/decisions/0026-cold-starts.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from streaming.domain.identifiers import parse_uuid

Schema = dict[str, Any]


class InvalidField(Exception):
    """The value does not fit the field; the message is for the caller."""


class FieldType(Protocol):
    """The metadata of a field's annotation: ``Annotated[int, WholeNumber(most=60)]``."""

    def read(self, value: object) -> Any:
        """Return the value of the field, given the JSON value. Raises ``InvalidField``."""
        ...


class _Limited:
    """Describes the limits of a number in a JSON Schema that pydantic generates."""

    most: int

    def __get_pydantic_json_schema__(
        self, core: Mapping[str, Any], generate: Callable[[Mapping[str, Any]], Schema]
    ) -> Schema:
        return {**generate(core), "minimum": 0, "maximum": self.most}

    def require_within(self, value: float) -> None:
        """Raise ``InvalidField`` unless ``value`` is from 0 to ``most``."""
        if not value >= 0:  # includes NaN
            raise InvalidField("Input should be greater than or equal to 0")
        if value > self.most:
            raise InvalidField(f"Input should be less than or equal to {self.most}")


@dataclass(frozen=True)
class WholeNumber(_Limited):
    """A whole number from 0 to ``most``."""

    most: int

    def read(self, value: object) -> int:
        """Convert ``120.0`` to 120: JSON Schema and JavaScript do not distinguish them."""
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        if not isinstance(whole, int) or isinstance(whole, bool):
            raise InvalidField("Input should be a valid integer")
        self.require_within(whole)
        return whole


@dataclass(frozen=True)
class Number(_Limited):
    """A number from 0 to ``most``."""

    most: int

    def read(self, value: object) -> float:
        """Return the number as a float."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise InvalidField("Input should be a valid number")
        self.require_within(value)
        return float(value)


class Flag:
    """True or false."""

    def read(self, value: object) -> bool:
        """Return the value itself."""
        if not isinstance(value, bool):
            raise InvalidField("Input should be a valid boolean")
        return value


class Identifier:
    """A UUID in the canonical form of 36 characters."""

    def read(self, value: object) -> UUID:
        """Return the UUID."""
        uuid = parse_uuid(value)
        if uuid is None:
            raise InvalidField("Input should be a valid UUID")
        return uuid


class OneOf:
    """One of some texts."""

    def __init__(self, *texts: str) -> None:
        self._texts = texts

    def read(self, value: object) -> str:
        """Return the text itself."""
        if not isinstance(value, str) or value not in self._texts:
            raise InvalidField(f"Input should be {' or '.join(map(repr, self._texts))}")
        return value
