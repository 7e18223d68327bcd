"""Evaluates the template's policies with moto's IAM engine.

The engine supports few conditions, ignores others, and treats a missing key of a request as a
match. So conditions are evaluated here, and the engine gets only the statements whose conditions
hold.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult

from tests.support.templates import Json


@dataclass(frozen=True)
class Call:
    """One AWS call, with the context keys that conditions use."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


def is_allowed(policies: Sequence[Json], call: Call) -> bool:
    """Return whether these inline policies allow the call."""
    results = {
        _policy(json.dumps({"Statement": applicable})).is_action_permitted(
            call.action, call.resource
        )
        for policy in policies
        if (applicable := _applicable(policy["PolicyDocument"]["Statement"], call))
    }
    return PermissionResult.PERMITTED in results and PermissionResult.DENIED not in results


def condition_holds(condition: Mapping[str, Json], context: Mapping[str, str]) -> bool:
    """Return whether all operators of a statement's condition hold.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    return all(
        _OPERATORS[operator](_listed(expected), context.get(key))
        for operator, keys in condition.items()
        for key, expected in keys.items()
    )


# The functions of all combinations of parameters have few different policies.
@cache
def _policy(document: str) -> IAMPolicy:
    return IAMPolicy(document)


def _applicable(statements: Sequence[Json], call: Call) -> list[Json]:
    return [
        {key: value for key, value in statement.items() if key != "Condition"}
        for statement in statements
        if condition_holds(statement.get("Condition", {}), dict(call.context))
    ]


def _listed(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _equals(expected: list[str], actual: str | None) -> bool:
    return actual in expected


def _like_if_exists(expected: list[str], actual: str | None) -> bool:
    return actual is None or any(fnmatchcase(actual, pattern) for pattern in expected)


_OPERATORS = {"StringEquals": _equals, "StringLikeIfExists": _like_if_exists}
