"""Makes all measurements of the comparison, and shows the progress."""

from collections.abc import Collection
from dataclasses import dataclass

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.circumstances import circumstances
from benchmarks.comparison import cold, costs, figures, warm
from benchmarks.comparison.figures import Figures
from benchmarks.comparison.stack import DELAY_SECONDS, running
from tests.support.call_costs import TripProxies

PARTS = ("costs", "warm", "delayed", "cold")


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often each part is measured."""

    warm: int = 50
    delayed: int = 25
    cold: int = 8


QUICK = Rounds(warm=6, delayed=4, cold=2)


def measure(parts: Collection[str], rounds: Rounds) -> Figures:
    """Measure these parts; return their figures."""
    found: Figures = {"circumstances": circumstances()}
    columns = (
        TextColumn("{task.description:<32}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as progress:
        starting = progress.add_task("servers", total=1)
        with running() as (stack, logs):
            progress.advance(starting)
            if "costs" in parts:
                counting = progress.add_task("round trips and log", total=1)
                found["costs"] = figures.of_costs(costs.measure(stack, logs))
                progress.advance(counting)
            if "warm" in parts:
                task = progress.add_task("warm calls", total=rounds.warm)
                measured = warm.measure(
                    stack, stack.environment, rounds.warm, logs, lambda: progress.advance(task)
                )
                found["warm"] = figures.of_warm(measured)
            if "delayed" in parts:
                task = progress.add_task("with 0.5 ms a round trip", total=rounds.delayed)
                with TripProxies(stack, DELAY_SECONDS) as proxies:
                    measured = warm.measure(
                        stack,
                        proxies.environment,
                        rounds.delayed,
                        logs,
                        lambda: progress.advance(task),
                    )
                found["delayed"] = figures.of_warm(measured)
            if "cold" in parts:
                task = progress.add_task("first answers", total=1 + rounds.cold)
                started = cold.measure(stack, rounds.cold, logs, lambda: progress.advance(task))
                found["cold"] = figures.of_cold(started)
    return found
