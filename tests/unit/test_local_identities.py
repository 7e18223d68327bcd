"""The keys of the local stores may do what those of a deployment may, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.gateway.intrinsics import load_yaml
from local.servers.s3_identities import policies

ROOT = Path(__file__).parents[2]
RESOURCES = load_yaml((ROOT / "template.yaml").read_text("utf-8"))["Resources"]
CALLERS_OF_THE_BUCKET = ("StartFunction", "InvalidateFunction", "HousekeepingFunction")


def plain(statements: list[Any], *, with_conditions: bool = True) -> list[dict[str, Any]]:
    """Return the statements about S3 in one form, whoever has written them down."""
    found = []
    for statement in statements:
        if "Effect" not in statement or "s3:" not in json.dumps(statement["Action"]):
            continue
        # What stands in for S3 here knows no "IfExists", and asks about a missing object otherwise.
        condition = json.dumps(statement.get("Condition", {})).replace("IfExists", "")
        found.append(
            {
                "Effect": statement["Effect"],
                "Condition": json.loads(condition) if with_conditions else {},
                "Action": sorted(listed(statement["Action"])),
                "Resource": sorted(map(arn, listed(statement["Resource"]))),
            }
        )
    return sorted(found, key=json.dumps)


def listed(value: Any) -> list[Any]:
    """Return a list, also of one."""
    return value if isinstance(value, list) else [value]


def arn(resource: Any) -> str:
    """Return a resource with the bucket's name put in."""
    text = resource["Fn::Sub"] if isinstance(resource, dict) else resource
    return str(text).replace("${AWS::Partition}", "aws").replace("${BucketName}", "vod")


def of_function(name: str) -> list[Any]:
    """Return the statements of a function's role."""
    found = RESOURCES[name]["Properties"]["Policies"]
    return [each for policy in found for each in policy.get("Statement", [])]


@pytest.mark.parametrize("function", CALLERS_OF_THE_BUCKET)
def test_the_functions_key(function: str) -> None:
    """Locally the functions have exactly what their role has in AWS."""
    assert plain(policies("vod")["service"]) == plain(of_function(function))


def test_the_signers_key() -> None:
    """Locally the signing key has exactly what the signing user has in AWS."""
    (policy,) = RESOURCES["SigningUser"]["Properties"]["Policies"]

    assert plain(policies("vod")["signer"]) == plain(policy["PolicyDocument"]["Statement"])


@pytest.mark.parametrize("name", ["service", "signer"])
def test_the_keys_of_minio(name: str) -> None:
    """The containers' keys have what the embedded store's have, but may list all."""
    path = ROOT / "infrastructure" / "compose" / "minio" / f"{name}.json"
    statements = json.loads(path.read_text("utf-8"))["Statement"]

    assert plain(statements) == plain(policies("vod")[name], with_conditions=False)
