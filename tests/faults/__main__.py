"""``make faults``: injects faults, writes docs/faults.md, fails if a promise is broken.

Arguments name dependencies, faults or both, to run a part; then no document is written.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from local.stack import Stack
from tests.faults.document import render_document
from tests.faults.environment import Functions
from tests.faults.faults import FAULTS, Fault
from tests.faults.scenario import Scenario, words_of
from tests.faults.table import make, parse, regressions
from tests.faults.world import World
from tests.support import redis_of_stack
from tests.support.functions import ROOT
from tests.support.kafka import users_by_topic
from tests.support.proxies import DEPENDENCIES

DOCUMENT = ROOT / "docs" / "faults.md"
AT_ONCE = 4
ALL_BROKEN = ("refused", "silent", "unreachable")


def main(wanted: Sequence[str]) -> int:
    """Run the scenarios; return the exit status: 1 for broken promises, 2 if none matches."""
    if not any(set(wanted) <= set(words_of(*each)) for each in _groups()):
        print(
            f"there is no scenario {' '.join(wanted)}: name one of {', '.join(DEPENDENCIES)}, all; "
            f"or one of {', '.join(fault.title for fault in FAULTS)}; "
            f"or both (all is {', '.join(ALL_BROKEN)} only)",
            file=sys.stderr,
        )
        return 2
    began = time.monotonic()
    log = ROOT / ".local" / "faults.log"
    log.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, log.open("w") as functions_log:
        stack = Stack.temporary(Path(folder), gateway=False, films=False)
        redis_of_stack.use_where_wanted(stack, os.environ)
        with stack, Functions(stack.environment, functions_log) as functions:
            os.environ.update(stack.environment)
            scenarios = asyncio.run(_run(World(stack), functions, wanted))
    cells = [cell for scenario in scenarios for cell in scenario.cells]
    committed = parse(DOCUMENT.read_text("utf-8")) if DOCUMENT.exists() else {}
    tables = make(cells, committed)
    document = render_document(tables)
    if wanted:
        print(document)
    else:
        DOCUMENT.write_text(document, "utf-8")
    problems = [problem for scenario in scenarios for problem in scenario.problems]
    problems += regressions(tables, committed)
    for problem in problems:
        print(problem)
    print(f"{len(cells)} cells, {len(problems)} problems, {time.monotonic() - began:.0f} s; {log}")
    return 1 if problems else 0


async def _run(world: World, functions: Functions, wanted: Sequence[str]) -> list[Scenario]:
    scenarios = [
        scenario for scenario in _scenarios(world, functions) if set(wanted) <= set(scenario.words)
    ]
    gentle = [scenario for scenario in scenarios if not scenario.kills]
    for number in range(0, len(gentle), AT_ONCE):
        await _together(world, gentle[number : number + AT_ONCE])
    for scenario in scenarios:
        # If the machine was busy, a second attempt without concurrency is more reliable.
        if scenario.kills or scenario.problems:
            await _together(world, [scenario])
        if scenario.kills and scenario.problems:
            await _together(world, [scenario])
    return scenarios


def _scenarios(world: World, functions: Functions) -> list[Scenario]:
    return [Scenario(world, functions, group, fault) for group, fault in _groups()]


def _groups() -> list[tuple[tuple[str, ...], Fault]]:
    groups: list[tuple[tuple[str, ...], Fault]] = [
        ((dependency,), fault) for dependency in DEPENDENCIES for fault in FAULTS
    ]
    groups += [(DEPENDENCIES, fault) for fault in FAULTS if fault.title in ALL_BROKEN]
    return groups


async def _together(world: World, scenarios: Sequence[Scenario]) -> None:
    all_ready = asyncio.Barrier(len(scenarios))
    one_at_a_time = asyncio.Lock()
    await asyncio.gather(*(scenario.run(all_ready, one_at_a_time) for scenario in scenarios))
    # Immediately: the broker keeps its topics in memory, and may be killed next.
    _check_records(world, scenarios)
    for scenario in scenarios:
        print(f"{scenario}: {len(scenario.problems) or 'no'} problems", flush=True)
        for problem in scenario.problems:
            print(f"  {problem}", flush=True)


def _check_records(world: World, scenarios: Sequence[Scenario]) -> None:
    """Check that everything acknowledged is in PostgreSQL, in Kafka or in the outbox."""
    topics = users_by_topic(world.stack.environment["KAFKA_BOOTSTRAP_SERVERS"])
    for row in world.rows("SELECT topic, key FROM event_outbox"):
        topics[row["topic"]].add(row["key"])
    for cell in (cell for scenario in scenarios for cell in scenario.cells):
        for scene in cell.acknowledged:
            broken = cell.call.broken_record(world, scene, topics)
            if broken is not None:
                cell.broken.append(f"acknowledged, but {broken}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
