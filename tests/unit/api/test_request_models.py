"""The validation of request bodies."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
    FormatChecker,
)

from streaming.api.request_models import PositionRequest, StartRequest, parse
from streaming.domain.errors import InvalidJson, InvalidRequest
from streaming.domain.identifiers import parse_uuid

DOCUMENT = Path(__file__).parents[3] / "functions/docs/openapi.json"
SCHEMAS = json.loads(DOCUMENT.read_text(encoding="utf-8"))["components"]["schemas"]
SESSION_PROBLEM = "Input should be a valid UUID, invalid character: found `x` at 0"
SESSION = "018f6a52-3c1e-7d4b-9a60-5b0c2d7e1f01"

FORMATS = FormatChecker(())
FORMATS.checks("uuid")(lambda value: not isinstance(value, str) or parse_uuid(value) is not None)

NUMBERS = [0, -1, 1, 120.0, 1.5, 604_800, 604_801, 2_592_000, 2_592_000.5, 2**53 - 1, 2**53]
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [*NUMBERS, True, None, "hls", "dash", "HLS", "120", SESSION, [], {}]
)
NAMES = ("position_seconds", "session_id", "sequence", "age_seconds", "manifest_type", "take_over")
OBJECTS = st.dictionaries(st.sampled_from([*NAMES, "other"]), VALUES)


@pytest.mark.parametrize("model", [StartRequest, PositionRequest])
@settings(max_examples=300, deadline=None)
@given(value=OBJECTS | VALUES)
@example(value={"position_seconds": 1, "sequence": 1})
@example(value={"position_seconds": 1, "sequence": 1, "session_id": None})
def test_as_documented(model: type[StartRequest] | type[PositionRequest], value: Any) -> None:
    """A body is accepted exactly when the OpenAPI document accepts it."""
    schema = SCHEMAS[model.__name__]
    documented = Draft202012Validator(schema, format_checker=FORMATS).is_valid(value)
    try:
        parse(model, json.dumps(value).encode())
    except InvalidRequest:
        assert not documented
    else:
        assert documented


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{} {}",
        b'{"position_seconds": 1,}',
        b"{'position_seconds': 1}",
        b'{"position_seconds": 01}',
        b'{"position_seconds": 1, "other": "\n"}',
        b'{"position_seconds": 1, "other": "\\ud800"}',
        b'{"position_seconds": 1, "\\udc00": 1}',
        b'{"other": "\\ud800", "other": 1, "position_seconds": 1}',
        b'{"position_seconds": 1}\x00',
        b'{"position_seconds": 1, "other": "\xff"}',
        b'\xef\xbb\xbf{"position_seconds": 1}',
        '{"position_seconds": 1}'.encode("utf-16"),
        b'{"position_seconds": 1, "other": ' + b"[" * 201 + b"]" * 201 + b"}",
        b'{"position_seconds": 1, "other": ' + b'{"a":' * 2000 + b"1" + b"}" * 2000 + b"}",
        b"[" * 16_000,
    ],
)
def test_invalid_json(body: bytes) -> None:
    """What is not JSON, or cannot be stored, is refused as such."""
    with pytest.raises(InvalidJson):
        parse(PositionRequest, body)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize("field", ["position_seconds", "sequence", "age_seconds"])
def test_not_finite(field: str, constant: str) -> None:
    """No field accepts a number that is not finite."""
    members = {"position_seconds": "1", "session_id": f'"{SESSION}"', field: constant}
    body = ",".join(f'"{name}": {value}' for name, value in members.items())

    with pytest.raises(InvalidRequest):
        parse(PositionRequest, f"{{{body}}}".encode())


def test_valid_json() -> None:
    """Escapes, other members and white space are accepted, and an empty body counts as {}."""
    body = (
        b' {"position_seconds": 1, "other": ["\\ud83d\\ude00", {"a": [' + b"[]," * 300 + b"1]}]}\n"
    )

    assert parse(PositionRequest, body) == PositionRequest(1)
    assert parse(StartRequest, b" \n") == StartRequest()


def test_values() -> None:
    """The fields have the types of the model."""
    body = {"position_seconds": 7.0, "session_id": SESSION.upper(), "sequence": 3, "age_seconds": 2}
    request = parse(PositionRequest, json.dumps(body).encode())

    assert request == PositionRequest(7, UUID(SESSION), 3, 2.0)
    assert (type(request.position_seconds), type(request.age_seconds)) == (int, float)


def test_all_problems() -> None:
    """The error names every field that is wrong, in the order of the document."""
    with pytest.raises(InvalidRequest) as refused:
        parse(PositionRequest, b'{"age_seconds": -1, "session_id": "x", "sequence": true}')

    assert refused.value.members["errors"] == [
        {"field": "position_seconds", "message": "Field required"},
        {"field": "session_id", "message": SESSION_PROBLEM},
        {"field": "sequence", "message": "Input should be a valid integer"},
        {"field": "age_seconds", "message": "Input should be greater than or equal to 0"},
    ]


def test_chosen() -> None:
    """The parameters that identify a start are those that differ from their defaults."""
    assert parse(StartRequest, b'{"manifest_type": "hls"}').chosen() == {}
    assert parse(StartRequest, b'{"manifest_type": "dash"}').chosen() == {"manifest_type": "dash"}
