"""Writes the import graph of the shared layer's packages to docs/architecture.md.

The floors are the layers of the import-linter contract in pyproject.toml, the arrows are the
imports, and the description of a package is the first line of its docstring. An arrow is left out
if it follows from other arrows. ``--check`` writes nothing and fails if the document differs.
"""

import ast
import re
import sys
import tomllib
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/architecture.md"
LAYER = ROOT / "layers/streaming/python"
PACKAGE = "streaming"
_MARKS = re.compile(r"(<!-- packages: .*? -->\n).*?(<!-- end of packages -->)", re.DOTALL)


def main(arguments: list[str]) -> int:
    """Write or check the document; return the exit code."""
    text = DOCUMENT.read_text("utf-8")
    wanted = with_packages(text)
    if arguments == ["--check"]:
        if text != wanted:
            print("docs/architecture.md differs from the imports: run make architecture")
        return int(text != wanted)
    DOCUMENT.write_text(wanted, "utf-8")
    return 0


def with_packages(text: str) -> str:
    """Return the document ``text`` with the current packages."""
    floors = _floors()
    parts = (_diagram(floors, _arrows(floors)), _table(floors))
    return _MARKS.sub(lambda marks: marks[1] + "\n" + "\n".join(parts) + "\n" + marks[2], text)


def _floors() -> list[list[str]]:
    """Return the packages of each floor, the highest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (contract,) = (each for each in contracts if each["type"] == "layers")
    return [re.findall(r"\w+", floor) for floor in contract["layers"]]


def _arrows(floors: list[list[str]]) -> list[tuple[str, str]]:
    """Return the imports between packages, without those that follow from others."""
    sys.path.insert(0, str(LAYER))
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    packages = [package for floor in floors for package in floor]
    direct = {
        package: {
            imported.split(".")[1]
            for module in graph.find_descendants(f"{PACKAGE}.{package}")
            for imported in graph.find_modules_directly_imported_by(module)
            if imported.split(".")[1] != package
        }
        for package in packages
    }

    def reached(package: str, without: str) -> set[str]:
        found: set[str] = set()
        ahead = [each for each in direct[package] if each != without]
        while ahead:
            each = ahead.pop()
            if each not in found:
                found.add(each)
                ahead.extend(direct[each])
        return found

    return [
        (package, imported)
        for package in packages
        for imported in sorted(direct[package], key=packages.index)
        if imported not in reached(package, imported)
    ]


def _diagram(floors: list[list[str]], arrows: list[tuple[str, str]]) -> str:
    lines = ["```mermaid", "flowchart TD"]
    for number, floor in enumerate(floors):
        lines += [f'    subgraph floor{number}[" "]', "        direction LR"]
        lines += [f"        {package}" for package in floor]
        lines.append("    end")
    lines += [f"    {package} --> {imported}" for package, imported in arrows]
    return "\n".join([*lines, "```", ""])


def _table(floors: list[list[str]]) -> str:
    lines = ["| package | what it is |", "|---|---|"]
    for floor in floors:
        for package in floor:
            folder = LAYER / PACKAGE / package
            module = ast.parse((folder / "__init__.py").read_text("utf-8"))
            line = (ast.get_docstring(module) or "").partition("\n")[0]
            link = f"../{folder.relative_to(ROOT)}/"
            lines.append(f"| [`{package}`]({link}) | {line} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
