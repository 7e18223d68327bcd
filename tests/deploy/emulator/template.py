"""Evaluates a template as CloudFormation does: transform, parameters, rules, references."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from samtranslator.model.exceptions import InvalidDocumentException

from local.gateway.intrinsics import TemplateError, load_yaml
from tests.deploy.emulator.wire import AwsError
from tests.support.intrinsics import Intrinsics
from tests.support.sam import sam_transformed

Json = dict[str, Any]
_SUBSTITUTED = re.compile(r"\$\{([A-Za-z0-9:]+)[^}]*\}")
_SAM = "AWS::Serverless-2016-10-31"


class Reference:
    """The values of Ref and GetAtt for a resource."""

    def __init__(self, physical_id: str, attributes: Mapping[str, Any]) -> None:
        self.physical_id = physical_id
        self.attributes = attributes


class Template(Intrinsics):
    """A template with the parameters of a stack; ``references`` are the existing resources."""

    def __init__(
        self,
        text: str,
        parameters: Mapping[str, str],
        *,
        region: str,
        stack_name: str,
        stack_id: str,
    ) -> None:
        written: Json = load_yaml(text)
        self.text = text
        self.declared: Json = written.get("Parameters", {})
        self.parameters = self._checked(parameters)
        self.document = _transformed(written, self.parameters, region)
        super().__init__({**self.document, "Parameters": self.declared}, self.parameters, region)
        self._pseudo.update({"AWS::StackName": stack_name, "AWS::StackId": stack_id})
        self.references: dict[str, Reference] = {}
        self._check_rules(written)

    def resources(self) -> dict[str, Json]:
        """Return the resources whose condition holds, each after those that it references."""
        wanted = {
            name: resource
            for name, resource in self.document["Resources"].items()
            if "Condition" not in resource or self.condition(resource["Condition"])
        }
        ordered: dict[str, Json] = {}

        def add(name: str, above: tuple[str, ...]) -> None:
            if name in above:
                raise AwsError("ValidationError", f"Circular dependency: {', '.join(above)}")
            if name in ordered or name not in wanted:
                return
            for other in sorted(self._needs(wanted[name])):
                add(other, (*above, name))
            ordered[name] = wanted[name]

        for name in wanted:
            add(name, ())
        return ordered

    def properties(self, resource: Json) -> Json:
        """Return a resource's properties with everything evaluated."""
        resolved: Json = self.resolve(resource.get("Properties", {}))
        return resolved

    def outputs(self) -> list[Json]:
        """Return the outputs whose condition holds."""
        return [
            {
                "OutputKey": name,
                "OutputValue": str(self.resolve(output["Value"])),
                "Description": output.get("Description", ""),
            }
            for name, output in self.document.get("Outputs", {}).items()
            if "Condition" not in output or self.condition(output["Condition"])
        ]

    def _checked(self, given: Mapping[str, str]) -> dict[str, str]:
        unknown = sorted(set(given) - set(self.declared))
        if unknown:
            raise AwsError("ValidationError", f"Parameters: {unknown} do not exist in the template")
        values = {}
        for name, declared in self.declared.items():
            value = given.get(name, declared.get("Default"))
            if value is None:
                raise AwsError("ValidationError", f"Parameters: [{name}] must have values")
            _check_parameter(name, str(value), declared)
            values[name] = str(value)
        return values

    def _check_rules(self, written: Json) -> None:
        for _, assertion in self.broken_rules(written):
            text = f"Template error: {assertion.get('AssertDescription', 'a rule')}"
            raise AwsError("ValidationError", text)

    def _needs(self, resource: Json) -> set[str]:
        depends = resource.get("DependsOn", [])
        named = {depends} if isinstance(depends, str) else set(depends)
        said = [resource.get("Properties", {}), resource.get("UpdatePolicy", {})]
        return named | set(self._mentioned(said))

    def _mentioned(self, value: Any) -> Iterator[str]:
        """Yield the resources that a value references, in the branches that apply."""
        if isinstance(value, list):
            for item in value:
                yield from self._mentioned(item)
        elif isinstance(value, dict):
            for name, item in value.items():
                if name == "Fn::If":
                    yield from self._mentioned(item[1 if self.condition(item[0]) else 2])
                elif name == "Ref":
                    yield item
                elif name == "Fn::GetAtt":
                    yield item[0]
                elif name == "Fn::Sub":
                    yield from _SUBSTITUTED.findall(item if isinstance(item, str) else item[0])
                    yield from self._mentioned(item[1] if isinstance(item, list) else {})
                else:
                    yield from self._mentioned(item)

    def _ref(self, name: str) -> Any:
        if name in self.references:
            return self.references[name].physical_id
        if name in self._resources:
            raise TemplateError(f"Unresolved resource dependencies [{name}]")
        return super()._ref(name)

    def _get_att(self, path: list[str]) -> Any:
        name, attribute = path[0], ".".join(path[1:])
        if name not in self.references or attribute not in self.references[name].attributes:
            raise TemplateError(f"no attribute {attribute} of {name}")
        return self.references[name].attributes[attribute]


def _transformed(written: Json, parameters: Mapping[str, str], region: str) -> Json:
    """Apply SAM's transform, as CloudFormation does when a change set is created."""
    if written.get("Transform") != _SAM:
        return written
    try:
        return sam_transformed(written, parameters, region)
    except InvalidDocumentException as error:
        reasons = "; ".join(str(cause.message) for cause in error.causes)
        raise AwsError("ValidationError", f"Transform {_SAM} failed with: {reasons}") from error


def _check_parameter(name: str, value: str, declared: Json) -> None:
    allowed = declared.get("AllowedValues")
    if allowed is not None and value not in [str(each) for each in allowed]:
        raise AwsError("ValidationError", f"Parameter '{name}' must be one of AllowedValues")
    pattern = declared.get("AllowedPattern")
    if pattern is not None and re.fullmatch(pattern, value) is None:
        raise AwsError("ValidationError", f"Parameter {name} failed to satisfy {pattern}")
    if declared.get("Type") == "Number":
        number = float(value)
        if not declared.get("MinValue", number) <= number <= declared.get("MaxValue", number):
            raise AwsError("ValidationError", f"Parameter '{name}' is out of bounds")
