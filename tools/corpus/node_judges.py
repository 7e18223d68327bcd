"""What the parsers of npm see in a manifest, asked of one Node process for all files."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

from tools.corpus.addresses import Addresses

# It reserves far more addresses than it fills, so the bound of whoever starts it is none for it.
_NODE = "ulimit -S -v unlimited; exec node --max-old-space-size=1024 judge.mjs"
_HOME = Path(__file__).parent / "node"


def why_missing() -> str | None:
    """Tell in one line why there are no such judges here, or None when there are."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not (_HOME / "node_modules").is_dir():
        return "the parsers are not installed: run npm ci in tools/corpus/node, as make does"
    return None


class NodeJudges:
    """The Node process, started when it is first asked; a context manager that ends it."""

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
        """Return what each parser sees: ``{"view": ...}`` or ``{"error": "..."}`` by its name."""
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
            # A parser took all the memory there is, say; the next file gets a process of its own.
            self._end()
            return {"the parsers of npm": {"error": "the process broke down over this file"}}
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
