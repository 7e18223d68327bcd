"""The views of the npm parsers on a manifest, from one Node process for all files."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

from tools.corpus.addresses import Addresses

# Node reserves far more address space than it uses, so it needs its own limit instead of the
# parent's.
_NODE = "ulimit -S -v unlimited; exec node --max-old-space-size=1024 judge.mjs"
_HOME = Path(__file__).parent / "node"


def why_missing() -> str | None:
    """Return in one line why these judges are unavailable, or None if they are available."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not (_HOME / "node_modules").is_dir():
        return "the parsers are not installed: run npm ci in tools/corpus/node, as make does"
    return None


class NodeJudges:
    """The Node process, started on first use; as a context manager it ends the process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def see(
        self,
        manifest_format: str,
        text: str,
        addresses: Addresses,
        variables: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return each parser's result by its name: ``{"view": ...}`` or ``{"error": "..."}``."""
        question = {
            "format": manifest_format,
            "text": text,
            "url": addresses.url,
            "variables": variables or {},
        }
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            # For example, a parser used all memory; the next file gets a new process.
            self._end()
            return {"the parsers of npm": {"error": "the process crashed on this file"}}
        seen: dict[str, Any] = json.loads(answer)
        return seen

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                ["sh", "-c", _NODE],
                cwd=_HOME,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
            )
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
