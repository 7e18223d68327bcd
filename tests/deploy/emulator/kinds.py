"""How CloudFormation creates, updates and deletes a resource, by calls of the service's API."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore import xform_name
from botocore.validate import ParamValidator

from tests.deploy.emulator.shapes import members, parameters

Json = dict[str, Any]
Client = Callable[[str], Any]


@dataclass
class Made:
    """An existing resource: the values of Ref and GetAtt, and its properties."""

    physical_id: str
    attributes: Json = field(default_factory=dict)


class ResourceError(Exception):
    """The service rejects the template's configuration."""


class Replace(Exception):
    """The change needs a new resource."""


class Kind(Protocol):
    """A type of resources."""

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Create one; ``name`` is for those without a name in the template."""

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Update one, or raise Replace."""

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Delete one."""


@dataclass(frozen=True)
class Call:
    """A kind whose properties are the parameters of an operation.

    Args:
        service: The API.
        create: The operation that creates one.
        reference: The member of the response or request that Ref returns.
        delete: The operation that deletes one; empty if there is none.
        update: The operation that updates one; empty replaces it.
        key: Their parameters that identify the resource, each from a member of the response or
            of the properties.
        name: The parameter for the generated name.
        attributes: The values of GetAtt, each from a member.
        fixed: Properties whose change needs a new resource.
        renamed: Properties whose parameter has another name.
        is_remade: Whether an update deletes it first, because moto has no update.
        dropped: Properties for another operation, which is left out.
    """

    service: str
    create_operation: str
    reference: str
    delete_operation: str = ""
    update_operation: str = ""
    key: Json = field(default_factory=dict)
    name: str = ""
    attributes: Json = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    renamed: Json = field(default_factory=dict)
    is_remade: bool = False
    dropped: tuple[str, ...] = ()

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Call the operation that creates one."""
        asked = self._parameters(properties)
        if self.name:
            asked.setdefault(self.name, name)
        return self._made(asked, self._call(client, self.create_operation, asked))

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Call the operation that updates one, with all properties."""
        if self.is_remade:
            self.delete(client, made, old)
            return self.create(client, made.physical_id, new)
        if not self.update_operation or any(old.get(each) != new.get(each) for each in self.fixed):
            raise Replace
        found = {**self._found(made), **({self.name: made.physical_id} if self.name else {})}
        names = members(self.service, self.update_operation)
        asked = {**self._parameters(new), **{k: v for k, v in found.items() if k in names}}
        self._call(client, self.update_operation, asked)
        return made

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Call the operation that deletes one."""
        if self.delete_operation:
            self._call(client, self.delete_operation, self._found(made))

    def _parameters(self, properties: Json) -> Json:
        return {
            self.renamed.get(name, name): value
            for name, value in properties.items()
            if name not in self.dropped
        }

    def _call(self, client: Client, operation: str, asked: Json) -> Json:
        shaped = parameters(self.service, operation, asked)
        answer: Json = getattr(client(self.service), xform_name(operation))(**shaped)
        return answer

    def _made(self, asked: Json, answer: Json) -> Made:
        held = {**asked, **_flat(answer)}
        attributes = {name: held[member] for name, member in self.attributes.items()}
        found = {f"@{name}": _found(held, member) for name, member in self.key.items()}
        return Made(str(held[self.reference]), {**attributes, **found})

    def _found(self, made: Made) -> Json:
        return {name: made.attributes[f"@{name}"] for name in self.key}


@dataclass(frozen=True)
class Judged:
    """A kind that moto does not support: botocore validates the parameters, nothing is stored.

    ``reference`` is the property that Ref returns, generated if the template has none;
    ``attributes`` are the values of GetAtt, with the placeholder ``{name}``. ``dropped`` are for
    another operation. All but the reference are in the structure ``wrapper``, if there is one.
    ``renamed`` are properties at any depth whose parameter has another name.
    """

    service: str
    operation: str
    reference: str
    attributes: Json = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    wrapper: str = ""
    renamed: Json = field(default_factory=dict)

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Reject parameters that do not match the service's shape."""
        physical = str(properties.get(self.reference, name))
        rest = {key: value for key, value in properties.items() if key not in self.dropped}
        rest.pop(self.reference, None)
        for old, new in self.renamed.items():
            rest = json.loads(json.dumps(rest).replace(f'"{old}":', f'"{new}":'))
        given = {self.wrapper: rest} if self.wrapper else rest
        names = {each.lower() for each in members(self.service, self.operation)}
        if self.reference.lower() in names:
            given = {**given, self.reference: physical}
        asked = parameters(self.service, self.operation, given)
        operation = client(self.service).meta.service_model.operation_model(self.operation)
        report = ParamValidator().validate(asked, operation.input_shape)
        if report.has_errors():
            raise ResourceError(report.generate_report())
        attributes = {key: text.format(name=physical) for key, text in self.attributes.items()}
        return Made(physical, attributes)

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Validate again."""
        return self.create(client, made.physical_id, new)

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Do nothing."""


def _found(held: Json, member: str) -> Any:
    return [held[member[:-2]]] if member.endswith("[]") else held[member]


def _flat(answer: Json) -> Json:
    """Return the members of a response, including those of its structures."""
    flat: Json = {}
    for name, value in answer.items():
        if isinstance(value, dict) and name != "ResponseMetadata":
            flat.update(value)
        else:
            flat[name] = value
    return flat
