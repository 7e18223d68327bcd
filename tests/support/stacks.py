"""CloudFormation's evaluation of a template and its parameters, before it calls any service.

SAM's own transformation, then conditions and intrinsic functions. A reference to a resource that
the conditions leave out is an error here, as in CloudFormation.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from local.gateway.intrinsics import text_of
from local.gateway.model import ACCOUNT_ID
from tests.support.intrinsics import Intrinsics
from tests.support.templates import REGION, Json, source, transformed

# The properties that name a resource; the first existing one counts.
_NAMES = ("AlarmName", "FunctionName", "BucketName", "LogGroupName")
_PREFIX = "arn:aws:{service}:"
_HERE = f"{REGION}:{ACCOUNT_ID}:"
_REFERENCES = {
    "AWS::Lambda::Alias": f"{_HERE}function:{{own}}:{{alias}}",
    "AWS::Lambda::LayerVersion": f"{_HERE}layer:{{own}}:1",
    "AWS::Lambda::Version": f"{_HERE}function:{{own}}:1",
    "AWS::SecretsManager::Secret": f"{_HERE}secret:{{own}}-AbCdEf",
    "AWS::SNS::Topic": f"{_HERE}{{own}}",
}
_ARNS = {
    **_REFERENCES,
    "AWS::IAM::Role": f":{ACCOUNT_ID}:role/{{own}}",
    "AWS::Lambda::Function": f"{_HERE}function:{{own}}",
    "AWS::Logs::LogGroup": f"{_HERE}log-group:{{own}}",
    "AWS::MSK::ServerlessCluster": f"{_HERE}cluster/{{own}}/0123",
    "AWS::SQS::Queue": f"{_HERE}{{own}}",
}


class DanglingReferenceError(Exception):
    """A reference to a resource that does not exist in this stack."""


class Given(Intrinsics):
    """The parameters of a template, and the results of its rules.

    Args:
        parameters: Values that replace the defaults; CloudFormation takes all as text.
        path: The template, relative to the root of the repository.
    """

    def __init__(self, parameters: Mapping[str, Any], path: str = "template.yaml") -> None:
        given = {key: text_of(value) for key, value in parameters.items()}
        self.parameters = {
            key: given.get(key, text_of(item.get("Default", "")))
            for key, item in source(path)["Parameters"].items()
        }
        unknown = given.keys() - self.parameters.keys()
        assert not unknown, unknown
        self.path = path
        self._set_up(source(path))

    def _set_up(self, template: Json) -> None:
        super().__init__(template, self.parameters, REGION)
        self.template = template

    def refusals(self) -> list[str]:
        """Return CloudFormation's messages for the violated ``Rules`` of the template."""
        return [assertion["AssertDescription"] for _, assertion in self.broken_rules(self.template)]


class Stack(Given):
    """A template with its parameters, transformed and resolved.

    Args:
        parameters: As those of ``Given``.
        name: Name of the stack.
        path: The template, relative to the root of the repository.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any] | None = None,
        name: str = "films",
        path: str = "template.yaml",
    ) -> None:
        super().__init__(parameters or {}, path)
        self.name = name
        self._set_up(transformed(self.parameters, path))
        self._pseudo["AWS::StackName"] = name
        self._pseudo["AWS::StackId"] = (
            f"arn:aws:cloudformation:{REGION}:1:stack/{name}/id-of-{name}"
        )
        self._made = {
            key
            for key, item in self.template["Resources"].items()
            if "Condition" not in item or self.condition(item["Condition"])
        }
        self._resolved: Json = {}

    @property
    def resources(self) -> Json:
        """The resources of the stack by logical id, with all conditions resolved."""
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

    @property
    def nested(self) -> list["Stack"]:
        """The nested stacks, with the parameters that this one passes to them."""
        return [self.beside(name) for name in self.of_type("AWS::CloudFormation::Stack")]

    def beside(self, name: str) -> "Stack":
        """Return a nested stack by its logical id."""
        made = self.of_type("AWS::CloudFormation::Stack")[name]
        parameters = tuple((key, text_of(value)) for key, value in made["Parameters"].items())
        return _nested(parameters, f"{self.name}-{name}", made["TemplateURL"])

    def _ref(self, name: str) -> Any:
        if name not in self._resources:
            if name not in self._pseudo and name not in self.parameters:
                raise DanglingReferenceError(name)
            return super()._ref(name)
        return self._identity(name, _REFERENCES)

    def _get_att(self, path: list[str]) -> str:
        name, attribute = path[0], ".".join(path[1:])
        if attribute == "Arn":
            return self._identity(name, _ARNS)
        if attribute == "Version":
            return "1"
        self._identity(name, {})
        return f"{self.name}-{name}-{attribute}"

    def _identity(self, name: str, known: Mapping[str, str]) -> str:
        """Return the ARN of resource ``name``, or the identifier that the template uses instead."""
        if name not in self._made:
            raise DanglingReferenceError(f"{name} does not exist, or its condition leaves it out")
        resource = self._resources[name]
        properties = resource.get("Properties", {})
        own = next((properties[key] for key in _NAMES if key in properties), f"{self.name}-{name}")
        pattern = known.get(resource["Type"], "{own}")
        service = resource["Type"].split("::")[1].lower()
        text = pattern if pattern == "{own}" else _PREFIX + pattern
        return text.format(
            own=self.resolve(own), alias=properties.get("Name"), name=name, service=service
        )


# The stacks of all combinations of parameters pass few different ones to nested stacks.
@cache
def _nested(parameters: tuple[tuple[str, str], ...], name: str, path: str) -> Stack:
    return Stack(dict(parameters), name, path)


def parameters_in(rule: Any) -> set[str]:
    """Return the names of the parameters to which a part of a template refers."""
    if isinstance(rule, dict):
        own = {rule["Ref"]} if "Ref" in rule else set()
        return own.union(*map(parameters_in, rule.values()))
    return set().union(*map(parameters_in, rule)) if isinstance(rule, list) else set()
