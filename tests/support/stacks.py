"""What CloudFormation makes of a template and its parameters, before it calls any service.

SAM's own transformation, then conditions and intrinsic functions. A reference to a resource that
the conditions leave out is an error here, as it is there.
"""

import ipaddress
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

from local.gateway.intrinsics import Resolver, load_yaml, text_of
from local.gateway.model import ACCOUNT_ID

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"

Json = dict[str, Any]


class DanglingReferenceError(Exception):
    """A reference to what does not exist in this stack."""


class _Policies(ManagedPolicyLoader):  # type: ignore[misc]
    """The managed policies that SAM looks up by name."""

    def __init__(self) -> None:
        super().__init__(None)

    def load(self) -> dict[str, str]:
        """Return none: SAM brings those that it adds itself."""
        return {}


@cache
def source(path: str = "template.yaml") -> Json:
    """Return a template as it is written."""
    loaded: Json = load_yaml((ROOT / path).read_text("utf-8"))
    return loaded


def transformed(parameters: Mapping[str, str], path: str = "template.yaml") -> Json:
    """Return a template after SAM's transformation, which sees the parameters."""
    template: Json = json.loads(json.dumps(source(path)))
    if "Transform" not in template:
        return template
    for resource in template["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = "s3://artifacts/code.zip"
    with patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION}):
        result: Json = transform(template, dict(parameters), _Policies())
    return result


class Stack(Resolver):
    """A template with its parameters, resolved.

    Args:
        name: Name of the stack.
        parameters: Values that replace the defaults; CloudFormation takes all as text.
        path: The template, from the root of the repository.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any] | None = None,
        name: str = "films",
        path: str = "template.yaml",
    ) -> None:
        given = {key: text_of(value) for key, value in (parameters or {}).items()}
        self.name = name
        self.parameters = {
            key: given.get(key, text_of(item.get("Default", "")))
            for key, item in source(path)["Parameters"].items()
        }
        unknown = given.keys() - self.parameters.keys()
        assert not unknown, unknown
        self.template = transformed(self.parameters, path)
        super().__init__(self.template, self.parameters, REGION)
        self._pseudo["AWS::StackName"] = name
        self._functions |= {
            "Fn::Equals": lambda pair: len({text_of(self.resolve(each)) for each in pair}) == 1,
            "Fn::Cidr": self._cidr,
            "Fn::GetAZs": lambda _: [f"{REGION}{letter}" for letter in "abc"],
        }
        self._made = {
            key
            for key, item in self.template["Resources"].items()
            if "Condition" not in item or self.condition(item["Condition"])
        }
        self._resolved: Json = {}

    @property
    def resources(self) -> Json:
        """The resources that are made, by logical id, without a trace of conditions."""
        if not self._resolved:
            self._resolved = {
                key: {
                    "Type": self._resources[key]["Type"],
                    "Properties": self.resolve(self._resources[key].get("Properties", {})),
                }
                for key in sorted(self._made)
            }
        return self._resolved

    @property
    def outputs(self) -> Json:
        """The outputs, by name."""
        return {
            key: self.resolve({each: item[each] for each in item if each != "Condition"})
            for key, item in self.template.get("Outputs", {}).items()
            if "Condition" not in item or self.condition(item["Condition"])
        }

    def of_type(self, kind: str) -> Json:
        """Return the properties of the resources of one type, by logical id."""
        return {
            key: item["Properties"] for key, item in self.resources.items() if item["Type"] == kind
        }

    def refusals(self) -> list[str]:
        """Return what CloudFormation tells by the template's ``Rules``, nothing if all hold."""
        return [
            assertion["AssertDescription"]
            for rule in self.template.get("Rules", {}).values()
            if "RuleCondition" not in rule or self.resolve(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not self.resolve(assertion["Assert"])
        ]

    def resolve(self, value: Any) -> Any:
        """Return the value as the services see it; secrets by dynamic references stay such."""
        if isinstance(value, str) and "{{resolve:" in value:
            return value
        return super().resolve(value)

    def _ref(self, name: str) -> Any:
        if name not in self._resources:
            if name not in self._pseudo and name not in self.parameters:
                raise DanglingReferenceError(name)
            return super()._ref(name)
        if name not in self._made:
            raise DanglingReferenceError(f"{name} is left out by its condition")
        kind = self._resources[name]["Type"]
        if kind == "AWS::Lambda::Alias":
            properties = self._resources[name]["Properties"]
            return f"{self._arn('lambda', 'function', properties)}:{properties['Name']}"
        if kind == "AWS::SecretsManager::Secret":
            return self._get_att([name, "Arn"])
        if kind == "AWS::SNS::Topic":
            return f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:{self.name}-{name}"
        properties = self._resources[name].get("Properties", {})
        for key in ("FunctionName", "BucketName", "LogGroupName", "TableName"):
            if key in properties:
                return self.resolve(properties[key])
        return f"{self.name}-{name}"

    def _get_att(self, path: list[str]) -> str:
        name, attribute = path[0], ".".join(path[1:])
        if name not in self._made:
            raise DanglingReferenceError(name)
        kind = self._resources[name]["Type"]
        if attribute != "Arn":
            return f"{self.name}-{name}-{attribute}"
        if kind == "AWS::SecretsManager::Secret":
            return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT_ID}:secret:{self.name}-{name}-AbCdEf"
        if kind == "AWS::Lambda::Function":
            return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{self._ref(name)}"
        if kind == "AWS::IAM::Role":
            return f"arn:aws:iam::{ACCOUNT_ID}:role/{self.name}-{name}"
        if kind == "AWS::Logs::LogGroup":
            return f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{self._ref(name)}:*"
        service = kind.split("::")[1].lower()
        return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{self._ref(name)}"

    def _arn(self, service: str, kind: str, properties: Json) -> str:
        named = self.resolve(properties["FunctionName"])
        return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{kind}:{named}"

    def _cidr(self, argument: list[Any]) -> list[str]:
        block, count, bits = (self.resolve(part) for part in argument)
        subnets = ipaddress.ip_network(block).subnets(new_prefix=32 - int(bits))
        return [text for _, text in zip(range(int(count)), map(str, subnets), strict=False)]


def statements(value: Any) -> list[Json]:
    """Return every policy statement in a part of a template."""
    if isinstance(value, dict):
        own = [value] if value.get("Effect") in ("Allow", "Deny") else []
        return own + [found for item in value.values() for found in statements(item)]
    if isinstance(value, list):
        return [found for item in value for found in statements(item)]
    return []
