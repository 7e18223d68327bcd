"""The results of the runs, in one file that the documents are generated from."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FILE = ROOT / "benchmarks" / "results" / "load.json"


def circumstances() -> dict[str, Any]:
    """Return what one must know to compare a run with another one."""
    return {
        "commit": _git("rev-parse", "--short", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "layers", "functions", "local")),
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
    }


def load(path: Path = FILE) -> dict[str, Any]:
    """Return the kept runs by name."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def save(name: str, run: dict[str, Any], path: Path = FILE) -> None:
    """Keep a run under a name, in place of the former one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**load(path), name: run}, indent=2, sort_keys=True) + "\n", "utf-8")


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
