"""The checker finds inserted bugs, and reports none without them."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.histories.checker import check
from tests.histories.conftest import SEEDS
from tests.histories.environments import Environments
from tests.histories.mutations import (
    ANY_REDIS_IS_TRUSTED,
    CLAIM_NOT_IDEMPOTENT,
    GAP_AT_THE_EDGE,
    NONE,
    OLDER_SESSION_NEVER_WINS,
    PUBLISH_BEFORE_COMMIT,
    REDIS_STAYS_TRUSTED,
    REPEATS_OF_WHAT_HAS_ENDED,
    REUSE_POISONED_CONNECTION,
    STREAMS_WITHOUT_LIMIT,
    UPSERT_WITHOUT_WHERE,
    Mutation,
)
from tests.histories.plan import Act, Device, Fault, Plan, Size, Slot, plan
from tests.histories.rig import Rig
from tests.histories.runner import run

_SIZE = Size(
    users=3,
    devices_per_user=2,
    views_per_device=3,
    reports_per_view=3,
    faults=0,
    consumer_deaths=None,
)
# Only Kafka is disturbed: events that are stored nowhere are lost then.
_AT_RANDOM = replace(
    plan(1, _SIZE), limits=(None,) * _SIZE.users, faults=(Fault("kill kafka", 0.3, 1.0, 0.0),)
)

# One player has two sessions and reports late, another exceeds its stream limit.
_OLDER, _NEWER = Slot(0, 0), Slot(0, 1)
_ONE_AFTER_THE_OTHER = Plan(
    seed=1,
    limits=(None, 1),
    devices=(
        Device(
            0,
            (
                Act("start", 0.0, 8, slot=_OLDER, key="once"),
                Act("start", 0.0, 8, slot=_NEWER),
                Act("report", 0.0, 8, position=10, slot=_NEWER, sequence=2),
                Act("report", 0.0, 8, position=20, slot=_OLDER, sequence=1),
                Act("report", 0.0, 8, position=30, slot=_NEWER, sequence=1),
                Act("stop", 0.0, 8, position=40, slot=_OLDER, sequence=2),
                Act("start", 0.0, 8, key="once"),
            ),
        ),
        Device(1, tuple(Act("start", 0.1, 8, film=number % 3) for number in range(6))),
    ),
    faults=(),
)


def _lost_in_redis(*look_ups: Act) -> tuple[Device, ...]:
    """Return players whose second report meets a fault, and who look up its position afterwards.

    There are several, because not every environment has looked up a position before.
    """
    return tuple(
        Device(
            user,
            (
                Act("start", 0.0, 8, slot=Slot(user, 0)),
                Act("report", 0.0, 8, position=10 + user, slot=Slot(user, 0), sequence=1),
                Act("get", 0.0, 1),
                Act("report", 3.5, 8, position=20 + user, slot=Slot(user, 0), sequence=2),
                *look_ups,
                *(Act("get", 0.0, 1),) * 2,
            ),
        )
        for user in range(3)
    )


# By looking up another film, the environment learns whether Redis is trusted.
_HIDDEN = Plan(
    seed=1,
    limits=(None,) * 3,
    devices=_lost_in_redis(Act("get", 7.5, 1, film=1), Act("get", 0.0, 1, film=1)),
    faults=(Fault("refuse redis", 3.5, 3.0, 0.0),),
)
_RESTORED = replace(_HIDDEN, faults=(Fault("restore redis", 3.5, 3.0, 0.0),))

# Starts whose reply to COMMIT may be lost, so that they are run again and meet their own claim.
_LOST_REPLIES = Plan(
    seed=1,
    limits=(None,) * 2,
    devices=tuple(
        Device(user, tuple(Act("start", 0.0, 1, key=f"{user}/{start}") for start in range(40)))
        for user in range(2)
    ),
    faults=tuple(Fault("lose postgres", 0.02, 0.0, 0.0) for _ in range(400)),
)

# On a very busy machine Redis is late, after which the stream limit is not checked, and calls miss
# the fault that they are planned for.
_MOST_TRIES = 6


@pytest.mark.parametrize(
    ("mutation", "promise", "planned"),
    [
        (UPSERT_WITHOUT_WHERE, "a response matches its effect", _ONE_AFTER_THE_OTHER),
        (OLDER_SESSION_NEVER_WINS, "a response matches its effect", _ONE_AFTER_THE_OTHER),
        (REPEATS_OF_WHAT_HAS_ENDED, "a response matches its effect", _ONE_AFTER_THE_OTHER),
        (STREAMS_WITHOUT_LIMIT, "the stream limit is kept", _ONE_AFTER_THE_OTHER),
        (PUBLISH_BEFORE_COMMIT, "a session ends once, with one event", _AT_RANDOM),
        (REUSE_POISONED_CONNECTION, "a failure is a 503", _AT_RANDOM),
        (REDIS_STAYS_TRUSTED, "a read returns the record", _HIDDEN),
        (ANY_REDIS_IS_TRUSTED, "a read returns the record", _RESTORED),
        (CLAIM_NOT_IDEMPOTENT, "a start waits only for a running try", _LOST_REPLIES),
    ],
    ids=lambda value: None if isinstance(value, Plan) else str(value),
)
def test_a_planted_bug_is_found(
    rig: Rig, mutation: Mutation, promise: str, planned: Plan, tmp_path: Path
) -> None:
    """For each bug the checker reports a promise that it breaks."""
    folders = (tmp_path / str(number) for number in range(_MOST_TRIES))

    assert any(promise in promises_broken(rig, mutation, folder, planned) for folder in folders)


@pytest.mark.parametrize(
    "planned",
    [_AT_RANDOM, _ONE_AFTER_THE_OTHER, _HIDDEN, _RESTORED, _LOST_REPLIES],
    ids=["random", "ordered", "hidden", "restored", "lost replies"],
)
@pytest.mark.parametrize("mutation", [NONE, GAP_AT_THE_EDGE] if SEEDS else [NONE], ids=str)
def test_nothing_is_found_where_nothing_is_wrong(
    rig: Rig, mutation: Mutation, planned: Plan, tmp_path: Path
) -> None:
    """The same history passes without a bug, and also with only the gap that one bug needs."""
    assert promises_broken(rig, mutation, tmp_path, planned) == set()


def promises_broken(rig: Rig, mutation: Mutation, folder: Path, planned: Plan) -> set[str]:
    """Return the checker's violations in a history of the mutated code."""
    layer = mutation.planted(folder)
    log = folder / "environments.log"
    with Environments(rig.variables, log, layer, rig.of_some) as environments:
        history, evidence = run(rig, environments, planned)
    violations = check(history, evidence)
    print(*(violation.told(history) for violation in violations[:3]), sep="\n\n")
    return {violation.promise for violation in violations}
