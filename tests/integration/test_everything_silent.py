"""The worst fault of `make faults`, which runs all of them."""

import asyncio
from contextlib import closing
from pathlib import Path

from local.stack import Stack
from tests.faults.environment import Functions
from tests.faults.faults import FAULTS
from tests.faults.scenario import Scenario
from tests.faults.world import World
from tests.support.proxies import DEPENDENCIES


def test_everything_silent(stack: Stack, environment: dict[str, str], tmp_path: Path) -> None:
    """While no dependency responds every call completes in time, warm or cold, and recovers."""
    (silent,) = (fault for fault in FAULTS if fault.title == "silent")

    with (
        (tmp_path / "log").open("w") as log,
        Functions(stack.environment, log) as functions,
        closing(World(stack)) as world,
    ):
        scenario = Scenario(world, functions, DEPENDENCIES, silent)
        # If the machine was busy, a second attempt is more reliable.
        for _ in range(2):
            asyncio.run(_alone(scenario))
            if not scenario.problems:
                return

    assert not scenario.problems


async def _alone(scenario: Scenario) -> None:
    await scenario.run(asyncio.Barrier(1), asyncio.Lock())
