"""Compares messages of Kafka with docs/events/asyncapi.yaml."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema_rs import Draft7Validator

PATH = Path(__file__).parents[2] / "docs" / "events" / "asyncapi.yaml"

Json = dict[str, Any]


@cache
def contract() -> Json:
    """Return the description of the events."""
    loaded: Json = yaml.safe_load(PATH.read_text("utf-8"))
    return loaded


def resolved(node: Json) -> Json:
    """Return what a reference inside the description refers to, or ``node`` if it is none."""
    if "$ref" not in node:
        return node
    found: Any = contract()
    for name in node["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return resolved(found)


@cache
def topics() -> dict[str, str]:
    """Return the pointers of the schemas by topic, with the default names of the topics."""
    found = {}
    for channel in contract()["channels"].values():
        address = channel["address"]
        for name, parameter in channel["parameters"].items():
            address = address.replace(f"{{{name}}}", resolved(parameter)["default"])
        (message,) = channel["messages"].values()
        found[address] = resolved(message)["payload"]["$ref"]
    return found


def violations(topic: str, value: object) -> list[str]:
    """Return why a message does not conform, as its consumers check it; nothing if it does."""
    return [f"{error.instance_path}: {error.message}" for error in _validator(topic)(value)]


def require(topic: str, key: str, value: Json) -> None:
    """Raise ``AssertionError`` unless the service may send this message."""
    found = violations(topic, value) + undescribed(topic, value)
    if key != value.get("user_id"):
        found.append(f"the key is {key} instead of the user's id")
    assert not found, f"a message of {topic} is not as {PATH.name} describes it: {found}"


def undescribed(topic: str, value: Json) -> list[str]:
    """Return the fields of a message, and their values, that the description does not have.

    Consumers ignore them, but the service itself must not send them.
    """
    fields = described(topic)
    unknown = [f"{name} is not described" for name in value if name not in fields]
    return unknown + [
        f"{name} has the value {value[name]}, which is not described"
        for name, values in fields.items()
        if values and name in value and value[name] not in values
    ]


@cache
def described(topic: str) -> dict[str, list[str]]:
    """Return the fields of a topic's messages, with the known values of those with a list."""
    found: dict[str, list[str]] = {}
    for part in _parts({"$ref": topics()[topic]}):
        for name, field in part.get("properties", {}).items():
            found[name] = field.get("x-extensible-enum", [])
    return found


def required(topic: str) -> list[str]:
    """Return the fields that each message of a topic has."""
    return [name for part in _parts({"$ref": topics()[topic]}) for name in part.get("required", [])]


def examples(topic: str) -> list[Json]:
    """Return the examples of a topic's messages."""
    return [
        example["payload"]
        for message in contract()["components"]["messages"].values()
        if message["payload"]["$ref"] == topics()[topic]
        for example in message["examples"]
    ]


def _parts(schema: Json) -> Iterator[Json]:
    schema = resolved(schema)
    yield schema
    for part in schema.get("allOf", []):
        yield from _parts(part)


@cache
def _validator(topic: str) -> Any:
    schema = {"$ref": topics()[topic], "components": contract()["components"]}
    return Draft7Validator(schema, validate_formats=True).iter_errors
