"""Templates as written, and after SAM's transformation."""

import json
import logging
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

from local.gateway.intrinsics import load_yaml

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"

Json = dict[str, Any]

# It warns at each transformation that no feature toggle is configured.
logging.getLogger("samtranslator").setLevel(logging.ERROR)


class _Policies(ManagedPolicyLoader):  # type: ignore[misc]
    """The managed policies that SAM looks up by name."""

    def __init__(self) -> None:
        super().__init__(None)

    def load(self) -> dict[str, str]:
        """Return none, because SAM includes those that it adds itself."""
        return {}


@cache
def source(path: str = "template.yaml") -> Json:
    """Return a template as written."""
    loaded: Json = load_yaml((ROOT / path).read_text("utf-8"))
    return loaded


def transformed(parameters: Mapping[str, str], path: str = "template.yaml") -> Json:
    """Return a template after SAM's transformation with these parameters."""
    template: Json = json.loads(json.dumps(source(path)))
    if "Transform" not in template:
        return template
    for resource in template["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = "s3://artifacts/code.zip"
    return sam_transformed(template, parameters, REGION)


def sam_transformed(template: Json, parameters: Mapping[str, str], region: str) -> Json:
    """Apply SAM's transformation, as CloudFormation does when it creates a change set.

    Raises samtranslator's ``InvalidDocumentException``.
    """
    copied = json.loads(json.dumps(template))
    # SAM takes the region from the environment.
    with patch.dict(os.environ, {"AWS_DEFAULT_REGION": region}):
        result: Json = transform(copied, _by_type(template, parameters), _Policies())
    return result


def _by_type(template: Json, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters as CloudFormation passes them to a macro: lists as lists."""
    kinds = {name: item["Type"] for name, item in template.get("Parameters", {}).items()}
    return {
        name: value.split(",") if kinds[name] == "CommaDelimitedList" else value
        for name, value in parameters.items()
    }


def statements(value: Any) -> list[Json]:
    """Return every policy statement in a part of a template."""
    if isinstance(value, dict):
        own = [value] if value.get("Effect") in ("Allow", "Deny") else []
        return own + [found for item in value.values() for found in statements(item)]
    if isinstance(value, list):
        return [found for item in value for found in statements(item)]
    return []
