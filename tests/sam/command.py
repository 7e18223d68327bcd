"""Runs SAM's command line against one build, in the environment of the embedded services."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from typing import Any

from local.errors import LocalError
from local.files import write_privately
from local.ports import free_ports
from local.servers.server import await_condition
from tests.sam.engine import Engine
from tools import sam_environment, sam_process

ROOT = Path(__file__).parents[2]
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
_PROGRAM = ROOT / ".venv" / f"sam-{VERSION}" / "bin" / "sam"
_PATIENCE = 10
_ATTEMPTS = 5
_NO_ANSWER = "No response from invoke container"


@dataclass(frozen=True)
class Sam:
    """SAM's commands for one built template.

    Args:
        folder: The folder of the build, the settings and the logs.
        architecture: The target architecture: this machine's.
        variables: The functions' environment variables.
        engine: Runs the containers.
    """

    folder: Path
    architecture: str
    variables: Mapping[str, str]
    engine: Engine

    def build(self) -> None:
        """Build the layers and the template, and write the file for `--env-vars`."""
        self._run("build", "--build-dir", str(self.folder / "build"), *self._parameters)
        # SAM includes the start of a function in its time-out, and the machine may be busy.
        template = self._template.read_text("utf-8")
        patient = re.sub(
            r"(?m)^( +Timeout: )(\d+)$",
            lambda match: f"{match[1]}{min(900, int(match[2]) * _PATIENCE)}",
            template,
        )
        self._template.write_text(patient, "utf-8")
        # Every function gets those of the variables that the template declares for it.
        settings = {"Parameters": {**self.variables, **dict.fromkeys(sam_environment.SECRETS, "")}}
        write_privately(self._settings, json.dumps(settings))

    def invoke(self, function: str, event: Path) -> Any:
        """Call a function in a separate container; return its response.

        Raises:
            LocalError: SAM failed, or got no response.
        """
        arguments = ("local", "invoke", function, "--event", str(event), *self._local)
        for _ in range(_ATTEMPTS):
            completed = self._run(*arguments)
            if answer := completed.stdout.strip():
                return json.loads(answer.splitlines()[-1])
            # The engine accepts connections for a container that does not listen yet and closes
            # them. SAM tries three times within a second and ends without a response, with code 0.
            if _NO_ANSWER not in completed.stderr:
                break
        raise LocalError(f"sam local invoke {function}: {completed.stderr}")

    @contextlib.contextmanager
    def api(self) -> Iterator[str]:
        """Run `sam local start-api`; yield its base URL."""
        (port,) = free_ports(1)
        # A function keeps its container for the next call.
        options = ["--port", str(port), "--warm-containers", "LAZY", *self._local]
        log = self.folder / "start-api.log"
        with log.open("wb") as output, _interruptible_children():
            process = subprocess.Popen(
                [_PROGRAM, "local", "start-api", *options],
                env=self._environment,
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )
        try:
            await_condition(
                lambda: create_connection(("127.0.0.1", port), timeout=1).close(),
                what=f"sam local start-api ({log})",
                failed=lambda: None if process.poll() is None else log.read_text(),
                seconds=120,
            )
            yield f"http://127.0.0.1:{port}"
        finally:
            # SAM removes its containers when it is interrupted.
            process.send_signal(signal.SIGINT)
            process.wait(60)

    @property
    def _template(self) -> Path:
        return self.folder / "build" / "template.yaml"

    @property
    def _settings(self) -> Path:
        return self.folder / "environment.json"

    @property
    def _parameters(self) -> list[str]:
        overrides = f"Architecture={self.architecture} PythonRuntime=python{VERSION}"
        return ["--parameter-overrides", overrides]

    @property
    def _local(self) -> list[str]:
        files = ["--template", str(self._template), "--env-vars", str(self._settings)]
        return [*files, "--skip-pull-image", *self._parameters]

    @property
    def _environment(self) -> dict[str, str]:
        own = sam_process.environment(
            access_key=self.variables["AWS_ACCESS_KEY_ID"],
            secret_key=self.variables["AWS_SECRET_ACCESS_KEY"],
            region=self.variables["AWS_REGION"],
            architecture=self.architecture,
            python=VERSION,
        )
        # SAM stores locks there, which a killed run would leave behind.
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return {
            **own,
            "DOCKER_HOST": self.engine.host,
            "SAM_CLI_CONTAINER_CONNECTION_TIMEOUT": "120",
            "TMPDIR": str(temporary),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        completed = subprocess.run(
            [_PROGRAM, *arguments],
            env=self._environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if completed.returncode != 0:
            raise LocalError(f"sam {' '.join(arguments[:3])}: {completed.stderr}")
        return completed


@contextlib.contextmanager
def _interruptible_children() -> Iterator[None]:
    """Let new processes react to Ctrl-C, also in a background run, which ignores it.

    A signal that is handled here has its default action there; an ignored one stays ignored.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
