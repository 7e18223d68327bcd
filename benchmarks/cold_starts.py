"""The initialization time of a new execution environment, reported by Lambda's own emulator.

Each function is measured with its deployed layers, and compared with a handler without imports.
The functions alternate, so that load on the machine slows all of them. Linux only.
"""

import re
import statistics
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from local.gateway.model import Function
from local.gateway.template import read
from tools.emulator import ROOT, Emulator, build_dependencies

RUNS = 3
EMPTY = "def handler(event, context):\n    return {}\n"


def main() -> None:
    """Print the milliseconds, and the ratio to those of the empty handler."""
    if sys.platform != "linux":
        print("cold starts are measured on Linux only")
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        dependencies = build_dependencies(folder / "layer")
        functions = _functions(folder)
        taken: dict[str, list[float]] = {each: [] for each in functions}
        for run in range(RUNS):
            for each, function in functions.items():
                layers = [*function.directories[1:], dependencies]
                taken[each].append(_milliseconds(function, layers, folder / f"{each}-{run}.log"))
    middle = {each: statistics.median(times) for each, times in taken.items()}
    print(f"milliseconds of initialization under Lambda's emulator (median of {RUNS} runs)")
    for each, milliseconds in middle.items():
        print(f"  {each:<28} {milliseconds:>6.0f} {milliseconds / middle['(empty)']:>6.1f} x")


def _functions(folder: Path) -> dict[str, Function]:
    """Return the functions of the template by the name of their folder, and an empty one."""
    declared = read(ROOT / "template.yaml", {}).functions.values()
    functions = {each.directories[0].name: each for each in declared}
    empty = folder / "empty"
    empty.mkdir()
    (empty / "app.py").write_text(EMPTY)
    return {"(empty)": replace(functions["docs"], directories=(empty,)), **functions}


def _milliseconds(function: Function, layers: list[Path], log: Path) -> float:
    with Emulator(function, layers, log) as environment:
        # The result is ignored: the call initializes the function.
        environment.invoke({})
        found = re.findall(r"INIT REPORT\(durationMs: ([\d.]+)\)", environment.log)
    return float(found[0])


if __name__ == "__main__":
    main()
