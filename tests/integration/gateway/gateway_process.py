"""The local gateway as a process, and its responses to real HTTP requests."""

import contextlib
import http.client
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil

from tests.support.waiting import eventually

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests/data/gateway"
READY = re.compile(r"gateway: http://127\.0\.0\.1:(\d+) ")


class Answer:
    """A complete response."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class GatewayProcess:
    """A gateway on a free port, serving a copy of the test service."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        shutil.copytree(DATA, folder, dirs_exist_ok=True)
        (folder / "environment.json").write_text(json.dumps(environment))
        (folder / "demo.json").write_text('{"films": []}')
        self.port = 0

    @property
    def command(self) -> list[str]:
        """Return the command line."""
        options = {
            "--port": str(self.port),
            "--template": str(self.folder / "template.yaml"),
            "--environment": str(self.folder / "environment.json"),
            "--demo": str(self.folder / "demo.json"),
        }
        listed = [part for option in options.items() for part in option]
        return [sys.executable, "-m", "local.gateway", *listed]

    def start(self, command: list[str] | None = None) -> None:
        """Start it and wait until it listens."""
        self.log: list[str] = []
        self.process = subprocess.Popen(
            command or self.command, cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        ready = eventually(lambda: READY.search(self.text) or self.process.poll() is not None)
        assert isinstance(ready, re.Match), self.text
        self.port = int(ready.group(1))

    @property
    def text(self) -> str:
        """Return the log so far."""
        return "".join(self.log)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it with a signal; return its exit status after its log is complete."""
        self.process.send_signal(number)
        status = self.process.wait(60)
        self._reader.join(60)
        return status

    def __call__(
        self, method: str, path: str, body: bytes | str | None = None, **headers: str
    ) -> Answer:
        """Send one request; underscores in names of headers become hyphens."""
        with contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        ) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            return Answer(connection.getresponse())

    def behave(self, do: str, **order: Any) -> Answer:
        """Call the misbehaving function with an instruction."""
        return self("POST", "/behave", json.dumps({"do": do, **order}), content_type="text/plain")

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            self.log.extend(iter(lines.readline, ""))


def is_running(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
