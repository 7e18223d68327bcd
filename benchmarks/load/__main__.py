"""Command line: ``make load``, or ``python -m benchmarks.load --viewers 100,200``."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.circumstances import circumstances
from benchmarks.load import level, other_commit, plot, report, results
from benchmarks.load.options import Options, parse
from benchmarks.load.stack import running
from local.stack import Stack

# Before the first level, so that the execution environments of each function are running.
WARM_UP_VIEWERS, WARM_UP_SECONDS, WARM_UP_INTERVAL = 120, 15, 3
# What the servers use without a call, for instance to poll, is not part of a call's processor time.
IDLE_SECONDS = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all levels; return 1 if a call failed."""
    options = parse(arguments)
    if options.commit:
        return other_commit.run(options.commit, options.without_commit, results.FILE, plot.FILE)
    about = circumstances()
    with (
        tempfile.TemporaryDirectory(prefix="load-") as folder,
        running(Path(folder), WARM_UP_VIEWERS + sum(options.viewers)) as stack,
    ):
        levels = asyncio.run(_levels(stack, options))
    errors = [each["errors"] for each in levels if each["errors"]]
    for each in errors:
        print(f"errors: {each}", file=sys.stderr)
    if options.name and not errors:
        run = {**about, "interval_seconds": options.interval, "levels": levels}
        results.save(options.name, run)
        plot.draw(results.load())
    return 1 if errors else 0


async def _levels(stack: Stack, options: Options) -> list[Any]:
    await level.run(stack, 0, WARM_UP_VIEWERS, WARM_UP_SECONDS, WARM_UP_INTERVAL)
    idle = await level.idle_processors(IDLE_SECONDS)
    user, levels = WARM_UP_VIEWERS, []
    for viewers in options.viewers:
        levels.append(
            await level.run(stack, user, viewers, options.seconds, options.interval, idle)
        )
        user += viewers
        print(report.line(levels[-1]), flush=True)
    return levels


if __name__ == "__main__":
    sys.exit(main())
