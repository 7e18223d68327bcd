"""Clients use the service while servers and processes are killed; every promise is kept."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.histories.conftest import SEEDS, assert_kept
from tests.histories.environments import Environments
from tests.histories.plan import Fault, Plan, Size, plan
from tests.histories.rig import Rig
from tests.histories.runner import run

# In `make test` each fault occurs once, in some two hundred calls.
_SHORT = Size(users=3, devices_per_user=2, views_per_device=3, reports_per_view=5)
_EVERYTHING = (
    "stall postgres",
    "kill an environment",
    "kill kafka",
    "silence",
    "rewind analytics",
    "kill postgres",
    "cut redis",
    "kill redis",
    "kill user_service",
    "cut postgres",
    "lose postgres",
    "stall redis",
    "refuse redis",
    "part redis",
    "restore redis",
    "replace redis",
)

_LONG = Size(views_per_device=4, faults=12, deaths=0.1)


def test_a_short_history(rig: Rig, environments: Environments, tmp_path: Path) -> None:
    """Each server is killed, disconnected, stalled, or loses replies, and no promise is broken."""
    faults = tuple(Fault(what, 0.2, 0.5, 0.5) for what in _EVERYTHING)
    assert_history(rig, environments, replace(plan(1, _SHORT), faults=faults), tmp_path)


if SEEDS:  # set by `make histories`

    @pytest.mark.parametrize("seed", SEEDS)
    def test_a_history(seed: int, rig: Rig, environments: Environments, tmp_path: Path) -> None:
        """With any faults of servers and processes, in any order, no promise is broken."""
        assert_history(rig, environments, plan(seed, _LONG), tmp_path)


def assert_history(rig: Rig, environments: Environments, planned: Plan, folder: Path) -> None:
    """Execute a plan and check its history; store the history beside the logs."""
    history, evidence = run(rig, environments, planned)
    path = folder / f"history-{planned.seed}.jsonl"
    history.write(path)
    print(f"seed {planned.seed}, {len(history.operations)} calls: {path}")
    if evidence.counted is not None:
        print(f"{len(evidence.counted.events)} events are counted")
    print(f"Again: make histories SEEDS={planned.seed}-{planned.seed}")
    print(*history.disturbances, sep="\n")
    assert_kept(history, evidence)
