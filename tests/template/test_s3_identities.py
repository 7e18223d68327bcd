"""The keys of the local stores have exactly the permissions of a deployment's."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.servers.s3_identities import policies
from tests.support.stacks import Stack

ROOT = Path(__file__).parents[2]
# Locally the functions' own key may also sign.
RESOURCES = Stack({"CreateSigningUser": "false"}).resources
SIGNER = Stack({"CreateSigningUser": "true"}).resources["SigningUser"]
CALLERS_OF_THE_BUCKET = ("StartFunction", "InvalidateFunction", "HousekeepingFunction")


def plain(statements: list[Any], *, with_conditions: bool = True) -> list[dict[str, Any]]:
    """Return the statements about S3 in a canonical form."""
    found = []
    for statement in statements:
        if "Effect" not in statement or "s3:" not in json.dumps(statement["Action"]):
            continue
        # The local S3 does not support "IfExists", and uses another request for a missing object.
        condition = {
            operator.removesuffix("IfExists"): {key: listed(keys[key]) for key in keys}
            for operator, keys in statement.get("Condition", {}).items()
        }
        found.append(
            {
                "Effect": statement["Effect"],
                "Condition": condition if with_conditions else {},
                "Action": sorted(listed(statement["Action"])),
                "Resource": sorted(listed(statement["Resource"])),
            }
        )
    return sorted(found, key=json.dumps)


def listed(value: Any) -> list[Any]:
    """Return a list, also for a single item."""
    return value if isinstance(value, list) else [value]


def own_policies(holder: dict[str, Any]) -> list[Any]:
    """Return the statements of the policies of a role or user."""
    documents = (policy["PolicyDocument"] for policy in holder["Properties"]["Policies"])
    return [statement for document in documents for statement in document["Statement"]]


@pytest.mark.parametrize("function", CALLERS_OF_THE_BUCKET)
def test_the_functions_key(function: str) -> None:
    """Locally the functions have exactly their role's permissions in AWS."""
    assert plain(policies("vod")["service"]) == plain(own_policies(RESOURCES[f"{function}Role"]))


def test_the_signers_key() -> None:
    """Locally the signing key has exactly the signing user's permissions in AWS."""
    assert plain(policies("vod")["signer"]) == plain(own_policies(SIGNER))


@pytest.mark.parametrize("name", ["service", "signer"])
def test_the_keys_of_minio(name: str) -> None:
    """The containers' keys have the embedded store's permissions, and may also list all."""
    path = ROOT / "infrastructure" / "compose" / "minio" / f"{name}.json"
    statements = json.loads(path.read_text("utf-8"))["Statement"]

    assert plain(statements) == plain(policies("vod")[name], with_conditions=False)
