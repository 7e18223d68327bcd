"""Measures the service of another commit: the load of this checkout, the service of that one."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.circumstances import ROOT


def run(commit: str, arguments: Sequence[str], results: Path, plot: Path) -> int:
    """Run this program in a temporary worktree of ``commit``; return its exit code.

    Args:
        commit: Any name of the commit.
        arguments: The command line of the program, without the commit.
        results: Gets the results if the run succeeds.
        plot: Gets the plot, likewise.
    """
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        tree = Path(folder) / "tree"
        _git("worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            benchmarks = tree / "benchmarks"
            shutil.rmtree(benchmarks, ignore_errors=True)
            shutil.copytree(ROOT / "benchmarks", benchmarks)
            command = [sys.executable, "-m", "benchmarks.load", *arguments]
            path = os.pathsep.join([str(tree), str(tree / "layers/streaming/python")])
            done = subprocess.run(
                command, cwd=tree, env={**os.environ, "PYTHONPATH": path}, check=False
            )
            if done.returncode == 0:
                for made in (results, plot):
                    if (tree / made.relative_to(ROOT)).exists():
                        made.parent.mkdir(parents=True, exist_ok=True)
                        shutil.copyfile(tree / made.relative_to(ROOT), made)
            return done.returncode
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True)
