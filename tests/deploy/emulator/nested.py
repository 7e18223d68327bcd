"""Nested stacks, which CloudFormation creates, updates and deletes with their parent."""

from typing import TYPE_CHECKING

from tests.deploy.emulator.kinds import Client, Json, Made, ResourceError
from tests.deploy.emulator.stack import Stack

if TYPE_CHECKING:
    from tests.deploy.emulator.cloudformation import CloudFormation


class NestedStack:
    """AWS::CloudFormation::Stack, a nested stack."""

    def __init__(self, service: "CloudFormation") -> None:
        self._service = service

    def create(self, client: Client, name: str, properties: Json) -> Made:
        """Create the stack and wait for it."""
        stack = self._service.new(name)
        self._service.stacks[name] = stack
        return self._deployed(stack, properties)

    def update(self, client: Client, made: Made, old: Json, new: Json) -> Made:
        """Update the stack and wait for it."""
        return self._deployed(self._service.existing(made.physical_id), new)

    def delete(self, client: Client, made: Made, properties: Json) -> None:
        """Delete the stack."""
        self._service.existing(made.physical_id).delete()

    def _deployed(self, stack: Stack, properties: Json) -> Made:
        given = [
            {"ParameterKey": name, "ParameterValue": str(value)}
            for name, value in properties.get("Parameters", {}).items()
        ]
        asked = {"template_url": properties["TemplateURL"], "parameters": given}
        stack.deploy(self._service.template(stack, asked))
        if "ROLLBACK" in stack.status:
            reasons = [each["ResourceStatusReason"] for each in stack.events]
            raise ResourceError(f"Embedded stack {stack.id}: {next(filter(None, reasons[1:]))}")
        outputs = {f"Outputs.{each['OutputKey']}": each["OutputValue"] for each in stack.outputs}
        return Made(stack.id, outputs)
