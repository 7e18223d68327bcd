"""Draws latency over load."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.circumstances import ROOT
from benchmarks.load.report import CALLS

FILE = ROOT / "docs" / "images" / "load.png"
PANELS = ("start", "progress", "get", "stop")
COLOURS = {"before": "tab:orange", "after": "tab:blue"}
LINES = {"p50": "-", "p99": "--"}


def draw(runs: Mapping[str, Any], path: Path = FILE) -> None:
    """Draw the median and the 99th percentile of each call over the number of viewers."""
    # Imported here: the import takes a second, and a run without a name draws nothing.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    for call, axes in zip(PANELS, figure.subplots(2, 2).flat, strict=True):
        for name, run in runs.items():
            levels = [level for level in run["levels"] if call in level["calls"]]
            viewers = [level["viewers"] for level in levels]
            for figure_name, style in LINES.items():
                axes.plot(
                    viewers,
                    [level["calls"][call][figure_name] for level in levels],
                    style,
                    color=COLOURS[name],
                    marker="o",
                    markersize=4,
                    label=f"{figure_name} {name}",
                )
        axes.set(title=CALLS[call], xlabel="viewers", ylabel="ms", yscale="log")
        axes.grid(visible=True, which="both", alpha=0.3)
        axes.legend(fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the library's version the same results give the same file.
    figure.savefig(path, dpi=100, metadata={"Software": None})
