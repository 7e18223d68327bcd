"""cfn-lint's opinion of all that combinations of parameters lead to, without a condition left."""

import json

import pytest
from cfnlint import api
from cfnlint.config import ManualArgs

from tests.support.combinations import combinations
from tests.support.stacks import Stack
from tests.support.templates import REGION

# A template may have as many resources.
MOST_RESOURCES = 400
# Names that occur twice, as those of resources of different combinations do.
SAME_NAMES = "E3019"


def distinct_resources() -> list[str]:
    """Return every resource that differs from all others, with its logical id."""
    found = {
        json.dumps({name: resource}): None
        for row in combinations()[0]
        for name, resource in Stack(row).resources.items()
    }
    return list(found)


@pytest.mark.timeout(600)
def test_services_would_accept_every_resource() -> None:
    """Resources have the shapes that the services' own schemas ask for, in every combination."""
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
