"""Queries CloudFormation about a stack with the AWS command line."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.deploy.changes import Resource
from tools.deploy.release import Deployed

# A stack that was never created cannot be updated. It is empty: its creation was rolled back, or
# only planned.
PLANNED = "REVIEW_IN_PROGRESS"
NEVER_MADE = ("ROLLBACK_COMPLETE", PLANNED)


class AwsError(Exception):
    """AWS or its command line reports an error."""


@dataclass(frozen=True)
class Stack:
    """A stack by its name; ``aws`` is the command line, ``options`` select the account.

    Every method raises ``AwsError`` if the call fails.
    """

    name: str
    aws: str
    options: Sequence[str] = ()

    def describe(self) -> dict[str, Any] | None:
        """Return CloudFormation's description of the stack, None if it does not exist."""
        try:
            answer = self._call("describe-stacks", "--stack-name", self.name)
        except AwsError as error:
            if "does not exist" in str(error):
                return None
            raise
        described: dict[str, Any] = answer["Stacks"][0]
        return described

    def delete(self) -> None:
        """Delete the stack, and wait until it is deleted."""
        self._call("delete-stack", "--stack-name", self.name)
        self._call("wait", "stack-delete-complete", "--stack-name", self.name)

    def resources(self) -> dict[str, Resource]:
        """Return its resources by their logical ids; a nested stack is one of them."""
        answer = self._call("list-stack-resources", "--stack-name", self.name)
        return {
            each["LogicalResourceId"]: Resource(
                each.get("PhysicalResourceId", ""), each["LastUpdatedTimestamp"]
            )
            for each in answer["StackResourceSummaries"]
        }

    def _call(self, *arguments: str) -> dict[str, Any]:
        command = [self.aws, "cloudformation", *arguments, *self.options, "--output", "json"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise AwsError(done.stderr.strip())
        parsed: dict[str, Any] = json.loads(done.stdout or "{}")
        return parsed


def deployed(described: dict[str, Any]) -> Deployed:
    """Return the part of a stack's description that determines the next release."""
    changed = described.get("LastUpdatedTime") or described["CreationTime"]
    release = parameters(described).get("Release", "")
    return Deployed(described["StackStatus"], release, str(changed))


def parameters(described: dict[str, Any]) -> dict[str, str]:
    """Return the parameters of a described stack."""
    return {
        each["ParameterKey"]: each["ParameterValue"] for each in described.get("Parameters", [])
    }
