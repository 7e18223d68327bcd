"""cfn-lint's findings for all combinations of parameters, with every condition resolved."""

import json

import pytest
from cfnlint import api
from cfnlint.config import ManualArgs

from tests.support.combinations import combinations
from tests.support.stacks import Stack
from tests.support.templates import REGION

# The maximum number of resources of a template.
MOST_RESOURCES = 400
# Duplicate names, which resources of different combinations have.
SAME_NAMES = "E3019"


def distinct_resources() -> list[str]:
    """Return all distinct resources, with their logical ids."""
    found = {
        json.dumps({name: resource}): None
        for row in combinations()[0]
        for name, resource in Stack(row).resources.items()
    }
    return list(found)


@pytest.mark.timeout(600)
def test_services_would_accept_every_resource() -> None:
    """In every combination, resources have the shapes that the services' schemas require."""
    everything = distinct_resources()
    assert len(everything) > 500
    faults = set()
    for start in range(0, len(everything), MOST_RESOURCES):
        part = everything[start : start + MOST_RESOURCES]
        resources = {}
        for number, text in enumerate(part):
            ((name, resource),) = json.loads(text).items()
            resources[f"{name}N{number}"] = resource
        template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
        for match in api.lint(json.dumps(template), config=ManualArgs(regions=[REGION])):
            if match.rule.id.startswith("E") and match.rule.id != SAME_NAMES:
                faults.add(f"{match.rule.id} {match.path} {match.message}")
    assert faults == set()
