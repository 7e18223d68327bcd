"""CloudFormation's API: change sets, stacks and their events."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Thread
from typing import Any
from uuid import uuid4

from tests.deploy.emulator.custom_resources import CustomResources
from tests.deploy.emulator.functions import ACCOUNT
from tests.deploy.emulator.kinds import Client, Json, Kind, ResourceError
from tests.deploy.emulator.nested import NestedStack
from tests.deploy.emulator.resources import KINDS
from tests.deploy.emulator.stack import Resource, Stack, template_body
from tests.deploy.emulator.template import Template
from tests.deploy.emulator.wire import AwsError

# Half of the time after which AWS's clients give up a request.
_PATIENCE_SECONDS = 30.0
_UNCHANGED = "The submitted information didn't contain changes."


@dataclass
class _ChangeSet:
    id: str
    stack: Stack
    template: Template
    given: list[Json]
    changes: list[tuple[str, str, str]]
    is_empty: bool


class CloudFormation:
    """Stores the stacks of one region."""

    def __init__(
        self,
        client: Client,
        region: str,
        fetch: Callable[[str], str],
        custom_resources: CustomResources,
    ) -> None:
        self._client = client
        self._region = region
        self._fetch = fetch
        self._custom = custom_resources
        self.stacks: dict[str, Stack] = {}
        self._change_sets: dict[str, _ChangeSet] = {}
        self._threads: list[Thread] = []

    def create_change_set(
        self,
        stack_name: str,
        change_set_name: str,
        change_set_type: str = "UPDATE",
        **given: Any,
    ) -> Json:
        """Compare a template with a stack."""
        stack = self.stacks.get(stack_name)
        if change_set_type == "CREATE":
            if stack is not None and stack.status not in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE"):
                raise AwsError("ValidationError", f"Stack [{stack_name}] already exists")
            if stack is None or stack.status == "DELETE_COMPLETE":
                stack = self.new(stack_name)
            stack.review()
        elif stack is None:
            raise AwsError("ValidationError", f"Stack [{stack_name}] does not exist")
        elif not stack.status.endswith("_COMPLETE") or stack.status == "ROLLBACK_COMPLETE":
            text = f"Stack:{stack.id} is in {stack.status} state and can not be updated."
            raise AwsError("ValidationError", text)
        template = self.template(stack, given)
        changes = stack.changes(template)
        is_empty = not changes and template.outputs() == stack.outputs
        identifier = (
            f"arn:aws:cloudformation:{self._region}:{ACCOUNT}:changeSet/{change_set_name}/{uuid4()}"
        )
        change_set = _ChangeSet(
            identifier, stack, template, given.get("parameters", []), changes, is_empty
        )
        stack.tags = given.get("tags", stack.tags)
        self.stacks[stack_name] = stack
        self._change_sets[identifier] = self._change_sets[change_set_name] = change_set
        return {"Id": identifier, "StackId": stack.id}

    def describe_change_set(self, change_set_name: str, **rest: Any) -> Json:
        """Return what a change set would change."""
        change_set = self._change_set(change_set_name)
        return {
            "ChangeSetName": change_set_name,
            "ChangeSetId": change_set.id,
            "StackId": change_set.stack.id,
            "StackName": change_set.stack.name,
            "Parameters": change_set.given,
            "Status": "FAILED" if change_set.is_empty else "CREATE_COMPLETE",
            "StatusReason": _UNCHANGED if change_set.is_empty else None,
            "ExecutionStatus": "UNAVAILABLE" if change_set.is_empty else "AVAILABLE",
            "CreationTime": datetime.now(UTC),
            "Changes": [
                {
                    "Type": "Resource",
                    "ResourceChange": {
                        "Action": action,
                        "LogicalResourceId": name,
                        "ResourceType": kind,
                        "Replacement": "False",
                    },
                }
                for action, name, kind in change_set.changes
            ],
        }

    def delete_change_set(self, change_set_name: str, **rest: Any) -> None:
        """Delete a change set."""
        self._change_sets.pop(change_set_name, None)

    def execute_change_set(self, change_set_name: str, **rest: Any) -> None:
        """Start the execution of a change set."""
        change_set = self._change_set(change_set_name)
        self._begin(lambda: change_set.stack.deploy(change_set.template))

    def create_stack(self, stack_name: str, **given: Any) -> Json:
        """Start the creation of a stack."""
        if stack_name in self.stacks and self.stacks[stack_name].status != "DELETE_COMPLETE":
            raise AwsError("AlreadyExistsException", f"Stack [{stack_name}] already exists")
        stack = self.new(stack_name)
        template = self.template(stack, given)
        self.stacks[stack_name] = stack
        self._begin(lambda: stack.deploy(template))
        return {"StackId": stack.id}

    def delete_stack(self, stack_name: str, **rest: Any) -> None:
        """Start the deletion of a stack."""
        stack = self._find(stack_name)
        if stack is not None:
            self._begin(stack.delete)

    def describe_stacks(self, stack_name: str | None = None, **rest: Any) -> Json:
        """Return a stack by name or ARN, or all that exist."""
        if stack_name is None:
            found = [each for each in self.stacks.values() if each.status != "DELETE_COMPLETE"]
            return {"Stacks": [_described(each) for each in found]}
        stack = self._find(stack_name)
        if stack is not None and stack.status.endswith("IN_PROGRESS"):
            # Clients wait for the end; their next poll would come after many seconds.
            self.wait(seconds=_PATIENCE_SECONDS)
        if stack is None or (stack.status == "DELETE_COMPLETE" and stack_name == stack.name):
            raise AwsError("ValidationError", f"Stack with id {stack_name} does not exist")
        return {"Stacks": [_described(stack)]}

    def describe_stack_events(self, stack_name: str, **rest: Any) -> Json:
        """Return the events, newest first."""
        return {"StackEvents": self.existing(stack_name).events[::-1]}

    def list_stack_resources(self, stack_name: str, **rest: Any) -> Json:
        """Return the resources of a stack."""
        return {"StackResourceSummaries": self._resources(stack_name)}

    def describe_stack_resources(self, stack_name: str, **rest: Any) -> Json:
        """Return the resources of a stack."""
        return {"StackResources": self._resources(stack_name)}

    def describe_stack_resource(self, stack_name: str, logical_resource_id: str) -> Json:
        """Return a resource of a stack."""
        stack = self.existing(stack_name)
        resource = stack.resources.get(logical_resource_id)
        if resource is None:
            text = f"Resource {logical_resource_id} does not exist for stack {stack_name}"
            raise AwsError("ValidationError", text)
        return {"StackResourceDetail": _listed(stack, logical_resource_id, resource)}

    def get_template(self, stack_name: str, **rest: Any) -> Json:
        """Return the original template of a stack."""
        return {"TemplateBody": template_body(self.existing(stack_name))}

    def get_template_summary(self, stack_name: str | None = None, **given: Any) -> Json:
        """Return the parameters of a template."""
        if stack_name is None:
            stack = self.new("summary")
            declared = self.template(stack, given).declared
        else:
            template = self.existing(stack_name).template
            declared = template.declared if template else {}
        return {
            "Parameters": [
                {"ParameterKey": name, "ParameterType": each.get("Type", "String")}
                for name, each in declared.items()
            ]
        }

    def have(self, name: str, outputs: dict[str, str], tags: dict[str, str]) -> None:
        """Add a stack that was created elsewhere."""
        stack = self.stacks[name] = self.new(name)
        stack.status = "CREATE_COMPLETE"
        stack.outputs = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        stack.tags = [{"Key": key, "Value": value} for key, value in tags.items()]

    def wait(self, seconds: float | None = None) -> None:
        """Wait until no execution is running."""
        for thread in self._threads:
            thread.join(seconds)

    def kinds(self, stack_id: str) -> Callable[[str], Kind]:
        """Return the kinds that create the types of resources of a stack."""

        def kind(name: str) -> Kind:
            if name == "AWS::CloudFormation::Stack":
                return NestedStack(self)
            if name == "AWS::CloudFormation::CustomResource" or name.startswith("Custom::"):
                return self._custom.of(stack_id)
            if name not in KINDS:
                raise ResourceError(f"the emulated CloudFormation has no {name}")
            return KINDS[name]

        return kind

    def new(self, name: str) -> Stack:
        """Return a stack without resources, which is not listed yet."""
        identifier = f"arn:aws:cloudformation:{self._region}:{ACCOUNT}:stack/{name}/{uuid4()}"
        return Stack(name, identifier, self._client, self.kinds(identifier))

    def template(self, stack: Stack, given: Json) -> Template:
        """Return the template and parameters of a request for ``stack``."""
        previous = stack.template.parameters if stack.template else {}
        parameters = {
            each["ParameterKey"]: previous[each["ParameterKey"]]
            if each.get("UsePreviousValue")
            else each["ParameterValue"]
            for each in given.get("parameters", [])
        }
        body = given.get("template_body")
        text = body if body is not None else self._fetch(given["template_url"])
        return Template(
            text, parameters, region=self._region, stack_name=stack.name, stack_id=stack.id
        )

    def _resources(self, stack_name: str) -> list[Json]:
        stack = self.existing(stack_name)
        return [_listed(stack, name, each) for name, each in stack.resources.items()]

    def _change_set(self, name: str) -> _ChangeSet:
        if name not in self._change_sets:
            raise AwsError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")
        return self._change_sets[name]

    def _begin(self, work: Callable[[], None]) -> None:
        thread = Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def _find(self, name: str) -> Stack | None:
        held = self.stacks.get(name)
        return held or next((each for each in self.stacks.values() if each.id == name), None)

    def existing(self, name: str) -> Stack:
        """Return a stack by its name or id. Raises ``AwsError`` if there is none."""
        stack = self._find(name)
        if stack is None:
            raise AwsError("ValidationError", f"Stack [{name}] does not exist")
        return stack


def _described(stack: Stack) -> Json:
    parameters = stack.template.parameters if stack.template else {}
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "StackStatus": stack.status,
        "Outputs": stack.outputs,
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
        "Tags": stack.tags,
    }


def _listed(stack: Stack, name: str, resource: Resource) -> Json:
    """Return a resource with the members of all operations that return resources."""
    return {
        "StackName": stack.name,
        "StackId": stack.id,
        "LogicalResourceId": name,
        "PhysicalResourceId": resource.made.physical_id,
        "ResourceType": resource.kind,
        "ResourceStatus": resource.status,
        "LastUpdatedTimestamp": resource.updated,
        "Timestamp": resource.updated,
    }
