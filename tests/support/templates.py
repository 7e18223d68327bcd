"""Templates as written, and after SAM's transformation."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from local.gateway.intrinsics import load_yaml
from tests.support.sam import Transformation

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"

Json = dict[str, Any]


@cache
def source(path: str = "template.yaml") -> Json:
    """Return a template as written."""
    loaded: Json = load_yaml((ROOT / path).read_text("utf-8"))
    return loaded


def transformed(parameters: Mapping[str, str], path: str = "template.yaml") -> Json:
    """Return a template after SAM's transformation with these parameters; do not change it."""
    if "Transform" not in source(path):
        return source(path)
    return _transformation(path).of(parameters)


@cache
def packaged(path: str = "template.yaml") -> Json:
    """Return a template as ``sam package`` uploads it, with all code in S3."""
    template: Json = json.loads(json.dumps(source(path)))
    for resource in template["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = "s3://artifacts/code.zip"
    return template


@cache
def _transformation(path: str) -> Transformation:
    return Transformation(packaged(path), REGION)


def statements(value: Any) -> list[Json]:
    """Return every policy statement in a part of a template."""
    if isinstance(value, dict):
        own = [value] if value.get("Effect") in ("Allow", "Deny") else []
        return own + [found for item in value.values() for found in statements(item)]
    if isinstance(value, list):
        return [found for item in value for found in statements(item)]
    return []
