"""Runs the benchmarks, and judges them by the goals: ``make bench``.

``--quick`` measures less; ``--only warm,cold`` measures parts of the comparison with the peers.
Both leave docs/performance.md as it is. The exit status is 1 if a goal is missed.
"""

import argparse
import contextlib
import io
import json
import sys
from pathlib import Path

from benchmarks import (
    analytics,
    cold_starts,
    imports,
    publishing,
    reports,
    rewriting,
    scaling,
    signing,
)
from benchmarks.comparison import measuring, plot, report
from benchmarks.comparison.goals import judge
from benchmarks.cost import __main__ as cost

RESULTS = Path(__file__).parent / "results" / "comparison.json"
OTHERS = (signing, rewriting, scaling, publishing, imports, cold_starts, analytics, reports)


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure less")
    parser.add_argument("--only", metavar="PARTS", help=f"some of {','.join(measuring.PARTS)}")
    options = parser.parse_args()
    parts = options.only.split(",") if options.only else measuring.PARTS
    if unknown := set(parts) - set(measuring.PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    is_complete = not options.quick and not options.only
    others = _others() if is_complete else ""
    rounds = measuring.QUICK if options.quick else measuring.Rounds()
    figures = measuring.measure(parts, rounds)
    goals = list(judge(figures))
    report.show(goals)
    if is_complete:
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", "utf-8")
        report.write(figures, goals, others)
        plot.draw(figures)
        cost.write()
    missed = [goal for goal in goals if not goal.is_met]
    print(f"{len(goals) - len(missed)} of {len(goals)} goals are met")
    return 1 if missed else 0


def _others() -> str:
    """Run the benchmarks without goals; return what they print, which is shown as well."""
    found = []
    for benchmark in OTHERS:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            benchmark.main()
        found.append(printed.getvalue())
        print(found[-1], flush=True)
    return "\n".join(found)


if __name__ == "__main__":
    sys.exit(main())
