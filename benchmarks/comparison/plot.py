"""Draws the times of this service and of the peers side by side."""

from pathlib import Path

from benchmarks.circumstances import ROOT
from benchmarks.comparison.figures import Figures
from benchmarks.comparison.report import PLOT
from benchmarks.comparison.services import SERVICES

FILE = ROOT / "docs" / PLOT
COLOURS = ("tab:blue", "tab:orange", "tab:gray")


def draw(figures: Figures, path: Path = FILE) -> None:
    """Draw medians of warm calls, processor time, delayed calls and first answers."""
    # Imported here: the import takes a second.
    from matplotlib.figure import Figure

    panels = (
        ("warm calls, p50", "warm", "p50_ms"),
        ("processor time of warm calls", "warm", "processor_ms"),
        ("p50 with 0.5 ms more a round trip", "delayed", "p50_ms"),
        ("start of a process to its first answer", "cold", None),
    )
    figure = Figure(figsize=(11, 7), layout="constrained")
    for (title, kind, name), axes in zip(panels, figure.subplots(2, 2).flat, strict=True):
        services = figures[kind]["services"]
        calls = list(services[SERVICES[0].name])
        drawn_of = []
        for position, (service, colour) in enumerate(zip(SERVICES, COLOURS, strict=True)):
            bars = [
                (place + 0.27 * (position - 1), value if name is None else value[name])
                for place, call in enumerate(calls)
                if (value := services[service.name].get(call)) is not None
            ]
            drawn = axes.bar(*zip(*bars, strict=True), width=0.25, color=colour)
            drawn_of.append(drawn)
            axes.bar_label(drawn, fmt="%.0f" if name is None else "%.2f", fontsize=7)
        axes.set(title=title, ylabel="ms")
        axes.set_xticks(range(len(calls)), calls)
    figure.legend(drawn_of, [each.title for each in SERVICES], loc="outside upper center", ncols=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the library's version the same results give the same file.
    figure.savefig(path, dpi=100, metadata={"Software": None})
