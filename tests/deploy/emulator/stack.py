"""One stack: applies the template, and rolls back on failure."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from tests.deploy.emulator.kinds import Client, Json, Kind, Made, Replace
from tests.deploy.emulator.template import Reference, Template

_STACK = "AWS::CloudFormation::Stack"


@dataclass
class Resource:
    """A resource of a stack in its last state."""

    kind: str
    made: Made
    properties: Json
    written: Json
    status: str = "CREATE_COMPLETE"
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))

    def is_kept(self, attribute: str, *, just_made: bool = False) -> bool:
        """Whether the template retains it instead of deleting it."""
        policy = self.written.get(attribute, "Delete")
        return policy == "Retain" or (policy == "RetainExceptOnCreate" and not just_made)


@dataclass
class _Undo:
    """The actions that revert a deployment."""

    changed: list[Callable[[], None]] = field(default_factory=list)
    new: list[Callable[[], None]] = field(default_factory=list)


@dataclass
class Stack:
    """A stack; ``kinds`` returns the kind for a type of resources."""

    name: str
    id: str
    client: Client
    kinds: Callable[[str], Kind]
    status: str = "REVIEW_IN_PROGRESS"
    template: Template | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[Json] = field(default_factory=list)
    tags: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime | None = None

    def changes(self, template: Template) -> list[tuple[str, str, str]]:
        """Return action, name and type of each resource that the template would change."""
        template.references = self._references()
        wanted = template.resources()
        changed: list[tuple[str, str, str]] = []
        for name, written in wanted.items():
            if name not in self.resources:
                template.references[name] = Reference(f"new {name}", _Unknown())
                changed.append(("Add", name, written["Type"]))
            elif self._properties(template, written) != self.resources[name].properties:
                changed.append(("Modify", name, written["Type"]))
        for name, resource in self.resources.items():
            if name not in wanted:
                changed.append(("Remove", name, resource.kind))
        return changed

    def review(self) -> None:
        """Create the empty stack, for a change set."""
        self._set_status("REVIEW_IN_PROGRESS", "User Initiated")

    def deploy(self, template: Template) -> None:
        """Create or update the template's resources; roll back on failure."""
        doing = "CREATE" if self.template is None else "UPDATE"
        self.updated = datetime.now(UTC)
        self._set_status(f"{doing}_IN_PROGRESS", "User Initiated")
        undo = _Undo()
        replaced: list[tuple[str, Resource, str]] = []
        before = dict(self.resources)
        try:
            template.references = self._references()
            wanted = template.resources()
            for name, written in wanted.items():
                self._make(template, name, written, undo, replaced)
            outputs = template.outputs()
        except Exception as error:  # noqa: BLE001 - whatever fails is rolled back
            self._roll_back(doing, str(error), undo, before)
            return
        gone = [name for name in self.resources if name not in wanted]
        replaced += [(name, self.resources.pop(name), "DeletionPolicy") for name in reversed(gone)]
        for name, resource, attribute in reversed(replaced):
            self._delete(name, resource, attribute)
        self.template, self.outputs = template, outputs
        self._set_status(f"{doing}_COMPLETE")

    def delete(self) -> None:
        """Delete every resource that the template does not retain."""
        self._set_status("DELETE_IN_PROGRESS", "User Initiated")
        for name in reversed(list(self.resources)):
            try:
                self._delete(name, self.resources[name], "DeletionPolicy")
            except Exception as error:  # noqa: BLE001 - it becomes the reason
                self._event(name, self.resources[name].kind, "DELETE_FAILED", str(error))
                self._set_status("DELETE_FAILED", str(error))
                return
            del self.resources[name]
        self._set_status("DELETE_COMPLETE")

    def reasons(self) -> list[str]:
        """Return the reasons why resources have failed, the first one first."""
        return [
            f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in self.events
            if event["ResourceStatus"].endswith("FAILED")
        ]

    def _make(
        self,
        template: Template,
        name: str,
        written: Json,
        undo: _Undo,
        replaced: list[tuple[str, Resource, str]],
    ) -> None:
        """Create, update or replace one resource, or leave it unchanged."""
        old = self.resources.get(name)
        kind = written["Type"]
        doing = "CREATE" if old is None else "UPDATE"
        try:
            properties = self._properties(template, written)
            if old is not None and old.kind == kind and old.properties == properties:
                old.written = written
                return
            self._event(name, kind, f"{doing}_IN_PROGRESS")
            made = self._changed(name, old, kind, properties, undo)
            if made is None:
                made = self._created(name, kind, properties)
                new = Resource(kind, made, properties, written)
                undo.new.append(lambda: self._delete(name, new, "DeletionPolicy", just_made=True))
                if old is not None:
                    replaced.append((name, old, "UpdateReplacePolicy"))
        except Exception as error:
            self._event(name, kind, f"{doing}_FAILED", str(error))
            raise
        self.resources.pop(name, None)
        self.resources[name] = Resource(kind, made, properties, written, f"{doing}_COMPLETE")
        template.references[name] = Reference(made.physical_id, made.attributes)
        self._event(name, kind, f"{doing}_COMPLETE")

    def _created(self, name: str, kind: str, properties: Json) -> Made:
        generated = f"{self.name}-{name}-{uuid4().hex[:12].upper()}"
        return self.kinds(kind).create(self.client, generated, properties)

    def _changed(
        self,
        name: str,
        old: Resource | None,
        kind: str,
        properties: Json,
        undo: _Undo,
    ) -> Made | None:
        """Update an existing resource; return None if a new one is needed."""
        if old is None or old.kind != kind:
            return None
        before, model = old, self.kinds(kind)
        try:
            # A partially applied update is reverted, too.
            undo.changed.append(
                lambda: _discard(
                    model.update(self.client, before.made, properties, before.properties)
                )
            )
            return model.update(self.client, old.made, old.properties, properties)
        except Replace:
            undo.changed.pop()
            return None

    def _roll_back(
        self,
        doing: str,
        reason: str,
        undo: _Undo,
        before: dict[str, Resource],
    ) -> None:
        prefix = "ROLLBACK" if doing == "CREATE" else "UPDATE_ROLLBACK"
        self._set_status(f"{prefix}_IN_PROGRESS", reason)
        # As CloudFormation does: updated resources in the order of the template, then new ones.
        for step in (*undo.changed, *reversed(undo.new)):
            try:
                step()
            except Exception as error:  # noqa: BLE001 - it becomes the reason
                self.resources = before
                self._set_status(f"{prefix}_FAILED", str(error))
                return
        self.resources = before
        self._set_status(f"{prefix}_COMPLETE")

    def _delete(
        self, name: str, resource: Resource, attribute: str, *, just_made: bool = False
    ) -> None:
        if resource.is_kept(attribute, just_made=just_made):
            self._event(name, resource.kind, "DELETE_SKIPPED")
            return
        self._event(name, resource.kind, "DELETE_IN_PROGRESS")
        self.kinds(resource.kind).delete(self.client, resource.made, resource.properties)
        self._event(name, resource.kind, "DELETE_COMPLETE")

    def _properties(self, template: Template, written: Json) -> Json:
        properties = template.properties(written)
        if written["Type"] == "AWS::Lambda::Alias" and "UpdatePolicy" in written:
            properties["@policy"] = template.resolve(written["UpdatePolicy"])
        return properties

    def _references(self) -> dict[str, Reference]:
        return {
            name: Reference(each.made.physical_id, each.made.attributes)
            for name, each in self.resources.items()
        }

    def _set_status(self, status: str, reason: str = "") -> None:
        self.status = status
        self._event(self.name, _STACK, status, reason)

    def _event(self, name: str, kind: str, status: str, reason: str = "") -> None:
        resource = self.resources.get(name)
        physical = self.id if kind == _STACK and name == self.name else ""
        self.events.append(
            {
                "StackId": self.id,
                "EventId": str(uuid4()),
                "StackName": self.name,
                "LogicalResourceId": name,
                "PhysicalResourceId": resource.made.physical_id if resource else physical,
                "ResourceType": kind,
                "Timestamp": datetime.now(UTC),
                "ResourceStatus": status,
                "ResourceStatusReason": reason or None,
            }
        )


class _Unknown(dict[str, Any]):
    """The attributes of a resource that does not exist yet."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        return f"unknown {name}"


def _discard(made: Made) -> None:
    """Discard the result of a reverted update."""


def template_body(stack: Stack) -> str:
    """Return the original template."""
    return stack.template.text if stack.template else json.dumps({})
