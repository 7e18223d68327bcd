"""Converts a resource's properties to an API's parameters, by botocore's model of the API."""

import json
from typing import Any

from moto.core.utils import get_service_model

from local.gateway.intrinsics import text_of


class WrongProperty(Exception):
    """A property without a parameter in the API."""


def parameters(service: str, operation: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Return the properties with the names and types of an operation's input."""
    shaped: dict[str, Any] = _shaped(
        get_service_model(service).operation_model(operation).input_shape, properties
    )
    return shaped


def members(service: str, operation: str) -> set[str]:
    """Return the names of an operation's parameters."""
    return set(get_service_model(service).operation_model(operation).input_shape.members)


def _shaped(shape: Any, value: Any) -> Any:
    kind = shape.type_name
    if kind == "structure":
        names = {name.lower(): name for name in shape.members}
        unknown = [name for name in value if name.lower() not in names]
        if unknown:
            raise WrongProperty(f"{shape.name} has no {', '.join(unknown)}")
        return {
            names[name.lower()]: _shaped(shape.members[names[name.lower()]], item)
            for name, item in value.items()
        }
    if kind == "list":
        return [_shaped(shape.member, item) for item in value]
    if kind == "map":
        return _shaped_map(shape, value)
    return _scalar(kind, value)


def _shaped_map(shape: Any, value: Any) -> dict[str, Any]:
    if isinstance(value, list):  # CloudFormation's tags
        value = {item["Key"]: item["Value"] for item in value}
    return {name: _shaped(shape.value, item) for name, item in value.items()}


def _scalar(kind: str, value: Any) -> Any:
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    if kind == "boolean":
        return value in (True, "true")
    if kind == "string":
        return json.dumps(value) if isinstance(value, dict | list) else text_of(value)
    return value
