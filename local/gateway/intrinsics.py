"""CloudFormation's intrinsic functions, evaluated on one machine.

Only values that do not depend on an account are evaluated: parameters, conditions, mappings, pseudo
parameters and the ARNs of the template's own functions. Anything else raises `UnresolvedError`, so
that the gateway refuses to start instead of using an invented value.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import yaml

from local.gateway.model import ACCOUNT_ID

REMOVED = object()
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


class TemplateError(Exception):
    """The template is invalid or requires something that the gateway does not support."""


class UnresolvedError(Exception):
    """An intrinsic function has no value on this machine."""


# The loader in C is several times faster; a PyYAML that was built without libyaml does not have it.
if TYPE_CHECKING or not yaml.__with_libyaml__:
    from yaml import SafeLoader
else:
    from yaml import CSafeLoader as SafeLoader


class _Loader(SafeLoader):
    """YAML with CloudFormation's short tags, each converted to its long form."""


def _construct_tag(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    """Convert ``!Sub text`` to ``{"Fn::Sub": "text"}``."""
    value: Any = None
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _construct_tag)


def load_yaml(text: str) -> Any:
    """Parse a template, short tags included. Raises `yaml.YAMLError`."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with tags added


class Resolver:
    """Evaluates intrinsic functions of one template.

    Args:
        template: The parsed template.
        parameters: Values that replace the defaults of its parameters.
        region: The value of ``AWS::Region``.
    """

    def __init__(
        self, template: Mapping[str, Any], parameters: Mapping[str, str], region: str
    ) -> None:
        self._conditions: Mapping[str, Any] = template.get("Conditions", {})
        self._mappings: Mapping[str, Any] = template.get("Mappings", {})
        self._resources: Mapping[str, Any] = template.get("Resources", {})
        self._declared: Mapping[str, Any] = template.get("Parameters", {})
        self._parameters = parameters
        self._region = region
        self._pseudo = {
            "AWS::Region": region,
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": "local",
            "AWS::NoValue": REMOVED,
        }
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.condition,
            "Fn::Sub": self._sub,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Equals": lambda pair: self.resolve(pair[0]) == self.resolve(pair[1]),
            "Fn::And": lambda terms: all(self.resolve(term) for term in terms),
            "Fn::Or": lambda terms: any(self.resolve(term) for term in terms),
            "Fn::Not": lambda terms: not self.resolve(terms[0]),
            "Fn::Join": lambda pair: pair[0].join(map(text_of, self.resolve(pair[1]))),
            "Fn::Split": lambda pair: self.resolve(pair[1]).split(pair[0]),
            "Fn::Select": lambda pair: self.resolve(pair[1])[int(self.resolve(pair[0]))],
            "Fn::FindInMap": self._find_in_map,
            "Fn::Base64": lambda text: base64.b64encode(self.resolve(text).encode()).decode(),
        }

    def resolve(self, value: Any) -> Any:
        """Return the value with every intrinsic function in it evaluated.

        Raises:
            UnresolvedError: A part of it has a value only in an AWS account.
            TemplateError: An intrinsic function in it is malformed.
        """
        if isinstance(value, Mapping):
            if len(value) == 1:
                ((name, argument),) = value.items()
                if name in self._functions and not (
                    name == "Condition" and isinstance(argument, Mapping)  # that of an IAM policy
                ):
                    return self._call(name, argument)
                if name.startswith("Fn::"):
                    raise UnresolvedError(name.replace("Fn::", "!"))
            resolved = {key: self.resolve(item) for key, item in value.items()}
            return {key: item for key, item in resolved.items() if item is not REMOVED}
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not REMOVED]
        if isinstance(value, str) and "{{resolve:" in value:
            raise UnresolvedError(value)
        return value

    def _call(self, name: str, argument: Any) -> Any:
        try:
            return self._functions[name](argument)
        except (AttributeError, LookupError, TypeError, ValueError):
            raise TemplateError(f"malformed {name}: {argument}") from None

    def condition(self, name: str) -> bool:
        """Evaluate one condition of the template. Raises like `resolve`."""
        if name not in self._conditions:
            raise TemplateError(f"Conditions: {name} is not defined")
        return bool(self.resolve(self._conditions[name]))

    def function_arn(self, name: str) -> str:
        """Return the ARN of a function of this template."""
        return f"arn:aws:lambda:{self._region}:{ACCOUNT_ID}:function:{name}"

    def _ref(self, name: str) -> Any:
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._declared:
            if name not in self._parameters and "Default" not in self._declared[name]:
                raise UnresolvedError(f"!Ref {name} (a parameter without a default)")
            value = self._parameters.get(name, self._declared[name].get("Default"))
            listed = str(self._declared[name].get("Type", "")).endswith("List")
            return str(value).split(",") if listed else value
        resource = self._resources.get(name, {})
        if resource.get("Type") == "AWS::Serverless::Function":
            return name
        if resource.get("Type") == "AWS::S3::Bucket" and "BucketName" in resource["Properties"]:
            return self.resolve(resource["Properties"]["BucketName"])
        raise UnresolvedError(f"!Ref {name}")

    def _get_att(self, path: list[str]) -> str:
        name, attribute = path[0], ".".join(path[1:])
        kind = self._resources.get(name, {}).get("Type")
        if kind == "AWS::Serverless::Function" and attribute == "Arn":
            return self.function_arn(name)
        raise UnresolvedError(f"!GetAtt {name}.{attribute}")

    def _sub(self, argument: Any) -> str:
        text, local = argument if isinstance(argument, list) else (argument, {})

        def replace(match: re.Match[str]) -> str:
            name = match.group(1).strip()
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in local:
                return text_of(self.resolve(local[name]))
            if "." in name:
                return self._get_att(name.split("."))
            return text_of(self._ref(name))

        return str(self.resolve(_PLACEHOLDER.sub(replace, text)))

    def _if(self, argument: list[Any]) -> Any:
        return self.resolve(argument[1] if self.condition(argument[0]) else argument[2])

    def _find_in_map(self, argument: list[Any]) -> Any:
        first, second, third = (self.resolve(part) for part in argument[:3])
        try:
            return self._mappings[first][second][third]
        except KeyError:
            raise UnresolvedError(f"!FindInMap [{first}, {second}, {third}]") from None


def text_of(value: Any) -> str:
    """Return a scalar as a string, formatted like CloudFormation."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
