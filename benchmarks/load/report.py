"""The text of the results: for the terminal, and a section of docs/performance.md."""

from collections.abc import Mapping
from typing import Any

from benchmarks.tables import table

PLOT = "images/load.png"
CALLS = {
    "start": "start",
    "progress": "report",
    "get": "get",
    "continue": "continue watching",
    "stop": "stop",
}


def line(level: Mapping[str, Any]) -> str:
    """Return a level in one line for the terminal."""
    calls = (
        f"{call} {found['p50']:.0f}/{found['p95']:.0f}/{found['p99']:.0f}"
        for call, found in level["calls"].items()
    )
    return (
        f"{level['viewers']:>6,} viewers {level['requests_a_second']:>7.1f} calls/s "
        f"{level['processor_ms_a_request']:>6.2f} ms of processor time a call, "
        f"p50/p95/p99 ms: {', '.join(calls)}, errors: {sum(level['errors'].values())}"
    )


def section(runs: Mapping[str, Any]) -> str:
    """Return the section about load of docs/performance.md, without a heading."""
    if not runs:
        return "No run is kept. `make load SAVE_AS=after` makes one.\n"
    parts = [_introduction(next(iter(runs.values()))), f"![Latency over load]({PLOT})\n"]
    parts += [_run(name, runs[name]) for name in ("before", "after") if name in runs]
    return "\n".join(parts)


def _introduction(run: Mapping[str, Any]) -> str:
    return (
        "`make load` simulates viewers against the local stack: the real local gateway with up "
        "to eight execution environments per function and the embedded servers, all on one "
        "machine together with the viewers. A viewer starts a film, reports every "
        f"{run['interval_seconds']} s and stops; one in four pauses, one in four continues on a "
        "second device, one in four first asks for continue watching. Each answer is checked: a "
        "wrong status or position is an error, and a run with an error fails. Latencies are in "
        "milliseconds and count from the moment at which the viewer wanted to call, so they "
        "include the wait for an environment. If a level has fewer calls a second for each viewer "
        "than the levels above it, the viewers want more calls than the machine can answer, and "
        "calls wait for each other. Processor time is that of all servers and functions, the local "
        "gateway included, less what they use without a call. It includes counting what was "
        "watched, if the commit does that.\n"
    )


def _run(name: str, run: Mapping[str, Any]) -> str:
    changed = " with changes" if run["changed"] else ""
    calls = [call for call in CALLS if call in run["levels"][0]["calls"]]
    head = ["viewers", "calls/s", "processor ms a call", "errors"]
    head += [f"{CALLS[call]} p50 / p95 / p99" for call in calls]
    rows = []
    for level in run["levels"]:
        row = [
            f"{level['viewers']:,}",
            f"{level['requests_a_second']:.0f}",
            f"{level['processor_ms_a_request']:.1f}",
            str(sum(level["errors"].values())),
        ]
        row += [_figures(level["calls"][call]) for call in calls]
        rows.append(row)
    lines = "\n".join(table(head, rows, numbers=True))
    return (
        f"**{name.capitalize()}**: commit {run['commit']}{changed}, {run['date']}, Python "
        f"{run['python']}, {run['processors']} processors, load average {run['load_average']} "
        f"before it.\n\n{lines}\n"
    )


def _figures(call: Mapping[str, float]) -> str:
    return " / ".join(f"{call[name]:.0f}" for name in ("p50", "p95", "p99"))
