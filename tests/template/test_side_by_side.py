"""Several stacks of one template in an account, for instance staging and prod."""

import json
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from tests.support.stacks import Stack
from tests.support.templates import REGION, Json

# The first one with its nested stacks.
TEMPLATES = ("template.yaml", "infrastructure/data-plane.yaml")


def names(stack: Stack) -> set[str]:
    """Return the resources' names in AWS, if the template defines them."""
    found = set()
    for resource in stack.resources.values():
        kind = resource["Type"]
        if kind == "AWS::CloudFormation::CustomResource":
            continue
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
        for identifier in identifiers(schema):
            values = [resource["Properties"].get(name) for name in identifier]
            if all(value is not None for value in values):
                found.add(json.dumps([kind, identifier, values]))
    found |= {
        json.dumps(output["Export"]) for output in stack.outputs.values() if "Export" in output
    }
    return found.union(*map(names, stack.nested))


def identifiers(schema: Json) -> list[tuple[str, ...]]:
    """Return the properties that are unique: the identifier, and names that cannot be changed."""

    def top(paths: list[str]) -> tuple[str, ...]:
        return tuple(path.removeprefix("/properties/") for path in paths)

    kind = schema["typeName"].split("::")[-1]
    own_names = {"Name", f"{kind}Name", f"{kind.removeprefix('Serverless')}Name"}
    # Aliases and stages have names within a function and an API.
    within = {"ApiId", "FunctionName"}
    fixed = set(top(schema.get("createOnlyProperties", [])))
    named = tuple(sorted((own_names | within) & fixed))
    return [top(schema["primaryIdentifier"]), *([named] if own_names & fixed else [])]


def parameters_of(path: str, name: str) -> dict[str, Any]:
    """Return the parts that must differ, according to the parameters."""
    films = {"BucketName": f"{name}-films", "CreateSigningUser": "true"}
    return films if path == "template.yaml" else {}


@pytest.mark.parametrize("path", TEMPLATES)
def test_stacks_stand_side_by_side(path: str) -> None:
    """No name of one stack is used by another one in the same account and region."""
    staging, prod = (
        names(Stack(parameters_of(path, name), name, path)) for name in ("staging", "prod")
    )
    assert len(staging) > 0
    assert staging & prod == set()


def test_names_are_found() -> None:
    """Names that must be unique in an account are detected: schedules, logs, functions, buckets."""
    found = " ".join(names(Stack({"BucketName": "films-of-somebody"})))
    for word in ("films-start", "/streaming/films/get", "films-of-somebody"):
        assert word in found


def test_failed_schedules_are_not_repeated() -> None:
    """A failed or throttled run of housekeeping is not retried before the next minute."""
    stack = Stack()
    (schedule,) = stack.of_type("AWS::Scheduler::Schedule").values()
    assert schedule["Target"]["RetryPolicy"] == {
        "MaximumEventAgeInSeconds": 60,
        "MaximumRetryAttempts": 0,
    }
    asynchronous = [
        config
        for config in stack.of_type("AWS::Lambda::EventInvokeConfig").values()
        if config["FunctionName"] == "films-housekeeping"
    ]
    assert [(each["Qualifier"], each["MaximumRetryAttempts"]) for each in asynchronous] == [
        ("live", 0)
    ]
    assert asynchronous[0]["MaximumEventAgeInSeconds"] == 60
