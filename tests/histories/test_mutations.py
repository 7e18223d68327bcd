"""The checker finds planted bugs, and finds nothing where none is planted."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.histories.checker import check
from tests.histories.conftest import SEEDS
from tests.histories.environments import Environments
from tests.histories.mutations import (
    CLAIM_NOT_IDEMPOTENT,
    GAP_AT_THE_EDGE,
    NONE,
    OLDER_SESSION_NEVER_WINS,
    PUBLISH_BEFORE_COMMIT,
    REPEATS_OF_WHAT_HAS_ENDED,
    REUSE_POISONED_CONNECTION,
    STREAMS_WITHOUT_LIMIT,
    UPSERT_WITHOUT_WHERE,
    Mutation,
)
from tests.histories.plan import Act, Device, Fault, Plan, Size, plan
from tests.histories.rig import Rig
from tests.histories.runner import run

_SIZE = Size(users=3, devices_per_user=2, views_per_device=3, reports_per_view=3, faults=0)
# The only trouble is Kafka's: events that nobody kept are lost then.
_PLAN = replace(plan(1, _SIZE), limits=(None, 1, 2), faults=(Fault("kill kafka", 0.3, 1.0, 0.0),))


@pytest.mark.parametrize(
    ("mutation", "promise"),
    [
        (UPSERT_WITHOUT_WHERE, "an answer is true"),
        (OLDER_SESSION_NEVER_WINS, "an answer is true"),
        (REPEATS_OF_WHAT_HAS_ENDED, "an answer is true"),
        (STREAMS_WITHOUT_LIMIT, "no more streams run than may"),
        (PUBLISH_BEFORE_COMMIT, "a session ends once, with one event"),
        (REUSE_POISONED_CONNECTION, "a fault is answered 503"),
    ],
    ids=str,
)
def test_a_planted_bug_is_found(rig: Rig, mutation: Mutation, promise: str, tmp_path: Path) -> None:
    """Each bug makes the checker name a promise that it breaks."""
    assert promise in promises_broken(rig, mutation, tmp_path)


@pytest.mark.parametrize("mutation", [CLAIM_NOT_IDEMPOTENT, NONE], ids=str)
def test_a_claim_that_refuses_itself_is_found(rig: Rig, mutation: Mutation, tmp_path: Path) -> None:
    """When replies to COMMIT are lost, a start that meets its own claim is found."""
    devices = tuple(
        Device(user, tuple(Act("start", 0.0, 1, key=f"{user}/{start}") for start in range(40)))
        for user in range(2)
    )
    lost = tuple(Fault("lose postgres", 0.02, 0.0, 0.0) for _ in range(200))
    broken = promises_broken(rig, mutation, tmp_path, Plan(1, (None, None), devices, lost))

    assert broken == set() if mutation is NONE else "a start does not wait for itself" in broken


@pytest.mark.parametrize("mutation", [NONE, GAP_AT_THE_EDGE] if SEEDS else [NONE], ids=str)
def test_nothing_is_found_where_nothing_is_wrong(
    rig: Rig, mutation: Mutation, tmp_path: Path
) -> None:
    """The same history passes without a bug, and with the gap alone that one of the bugs needs."""
    assert promises_broken(rig, mutation, tmp_path) == set()


def promises_broken(rig: Rig, mutation: Mutation, folder: Path, planned: Plan = _PLAN) -> set[str]:
    """Return what the checker says of a history of the mutated code."""
    layer = mutation.planted(folder)
    with Environments(rig.variables, folder / "environments.log", layer) as environments:
        history, evidence = run(rig, environments, planned)
    violations = check(history, evidence)
    print(*(violation.told(history) for violation in violations[:3]), sep="\n\n")
    return {violation.promise for violation in violations}
