"""The results of the runs, in one file that the documents are generated from."""

import json
from pathlib import Path
from typing import Any

from benchmarks.circumstances import ROOT

FILE = ROOT / "benchmarks" / "results" / "load.json"


def load(path: Path = FILE) -> dict[str, Any]:
    """Return the kept runs by name."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def save(name: str, run: dict[str, Any], path: Path = FILE) -> None:
    """Keep a run under a name, in place of the former one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**load(path), name: run}, indent=2, sort_keys=True) + "\n", "utf-8")
