"""Our own programs of the stack, user service and gateway, run like any other server."""

import http.client
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.process_group import ProcessGroup
from local.servers.server import NotReady, Server

ROOT = Path(__file__).parents[2]


class PythonService(Server):
    """Run `python -m MODULE ARGUMENTS` in the checkout; ready when /health answers 200."""

    def __init__(
        self,
        name: str,
        *,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        port: int,
        group: ProcessGroup,
        logs: Path,
    ) -> None:
        self.name = name
        self.title = name.replace("_", " ").capitalize()
        super().__init__(port=port, group=group, logs=logs)
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers/streaming/python")]),
            "PYTHONUNBUFFERED": "1",
            **environment,
        }

    @property
    def url(self) -> str:
        """The base URL of the service."""
        return f"http://127.0.0.1:{self.port}"

    def launch(self) -> None:
        """Start the program."""
        self._spawn(self._command, cwd=ROOT, environment=self._environment)

    def check(self) -> None:
        """Ask for /health."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/health")
            status = connection.getresponse().status
        except http.client.HTTPException as error:
            raise NotReady(repr(error)) from None
        finally:
            connection.close()
        if status != 200:
            raise NotReady(f"/health answered {status}")
