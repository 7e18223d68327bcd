"""The stack's Python programs (user service and gateway), run like any other server."""

import http.client
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.servers.server import NotReadyError, Server
from local.state import State

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "layers" / "streaming" / "python"


class PythonService(Server):
    """Runs `python -m MODULE ARGUMENTS` in the checkout; ready when /health answers 200."""

    def __init__(
        self,
        port: int,
        state: State,
        *,
        name: str,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        self.name = name
        self.title = name.replace("_", " ").capitalize()
        super().__init__(port, state)
        self._command = [sys.executable, "-m", module, "--port", str(port), *arguments]
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(LAYER)]),
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
        """Request /health."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/health")
            status = connection.getresponse().status
        except http.client.HTTPException as error:
            raise NotReadyError(repr(error)) from None
        finally:
            connection.close()
        if status != http.HTTPStatus.OK:
            raise NotReadyError(f"/health answered {status}")


def user_service(port: int, state: State) -> PythonService:
    """Return the substitute for the user service."""
    return PythonService(
        port,
        state,
        name="user_service",
        module="local.user_service",
        arguments=["--subscriptions", str(state.subscriptions)],
        environment={"JWT_SECRET_KEY": state.credentials.jwt_secret_key},
    )


def gateway_service(port: int, state: State) -> PythonService:
    """Return the local API gateway, which runs the functions."""
    return PythonService(
        port,
        state,
        name="gateway",
        module="local.gateway",
        arguments=[
            *("--template", str(ROOT / "template.yaml")),
            *("--environment", str(state.environment)),
            *("--demo", str(state.demo)),
        ],
        environment={},
    )
