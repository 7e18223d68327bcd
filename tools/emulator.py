"""Runs a function like Lambda: AWS's runtime client under AWS's emulator, without a container.

`sam local` runs the same two programs in a container. The process can import from its layers and
its own folder, but not from this checkout or from other installed packages.
"""

import json
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil

from local.gateway.model import Function
from local.ports import free_ports
from local.servers.server import await_condition

ROOT = Path(__file__).parents[1]
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
RUNTIME_CLIENT = ROOT / ".venv" / f"runtime-{VERSION}"
_PROGRAM = "lib/python{version}/site-packages/samcli/local/rapid/aws-lambda-rie-{architecture}"
_PATH = "/2015-03-31/functions/function/invocations"
_LATE_SECONDS = 30.0


def program() -> Path:
    """Return the path of the emulator, which is part of SAM's command line."""
    path = _PROGRAM.format(version=VERSION, architecture=_architecture())
    return ROOT / ".venv" / f"sam-{VERSION}" / path


def build_dependencies(folder: Path) -> Path:
    """Build the dependency layer for this machine in ``folder``; return its folder for the path.

    Raises `subprocess.CalledProcessError` if the build fails.
    """
    command = [
        *("make", "--silent", "-C", str(ROOT / "layers/dependencies"), "build-DependenciesLayer"),
        *(
            f"ARTIFACTS_DIR={folder}",
            f"RUNTIME_VERSION={VERSION}",
            f"ARCHITECTURE={_architecture()}",
        ),
    ]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    # MAKEFLAGS of an outer make would make this one print its folders.
    subprocess.run(command, env={**os.environ, "PATH": path, "MAKEFLAGS": ""}, check=True)
    return folder / "python"


class Emulator:
    """One execution environment of a function, running while the context is open.

    The first invocation initializes it, and so does the first one after a crash or a time-out.

    Args:
        function: The function as described by the template.
        layers: The folders that Lambda would merge into /opt/python.
        log: The file for the output of the runtime and the function.
        variables: Environment variables in addition to those of ``function``.
    """

    def __init__(
        self,
        function: Function,
        layers: Sequence[Path],
        log: Path,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._function = function
        self._path = ":".join(map(str, [RUNTIME_CLIENT, *layers]))
        self._log = log
        self._variables = variables or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self._port, runtime_port = free_ports(2)
        emulator, python = str(program()), sys.executable
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                # By default it listens on all addresses. -S excludes this Python's packages.
                [
                    *(emulator, "--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"),
                    *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
                    *(python, "-S", "-m", "awslambdaric", self._function.handler),
                ],
                env=self._environment(),
                cwd=self._function.directories[0],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            await_condition(self._check, what="the emulator", failed=self._end)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the environment and its runtime process."""
        if self._process is None:
            return
        runtimes = self._runtimes()
        # When it terminates in order, it also ends the runtime.
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for runtime in runtimes:
            if runtime.is_running():
                runtime.kill()

    def invoke(self, event: Any) -> Any:
        """Return the function's result, or Lambda's description of its failure.

        The description of a time-out contains "Task timed out". Raises `httpx.HTTPError` if the
        emulator does not answer.
        """
        seconds = self._function.timeout + _LATE_SECONDS
        answer = httpx.post(f"http://127.0.0.1:{self._port}{_PATH}", json=event, timeout=seconds)
        try:
            return answer.json()
        except json.JSONDecodeError:
            return {"errorType": "Sandbox.Timedout", "errorMessage": answer.text}

    @property
    def runtime(self) -> psutil.Process:
        """The process in which the function runs."""
        (runtime,) = self._runtimes()
        return runtime

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Suspend the function's process, as Lambda does between invocations."""
        runtime = self.runtime
        runtime.send_signal(signal.SIGSTOP)
        try:
            while runtime.status() != psutil.STATUS_STOPPED:
                pass
            yield
        finally:
            runtime.send_signal(signal.SIGCONT)

    @property
    def initialisations(self) -> int:
        """The number of initializations; each crash or time-out causes another one."""
        return self.log.count(" INIT START(")

    @property
    def log(self) -> str:
        """The output of the runtime and the function."""
        return self._log.read_text("utf-8", "replace")

    def _environment(self) -> dict[str, str]:
        seconds = max(1, int(self._function.timeout))
        return {
            **self._function.environment,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(seconds),
            "PYTHONPATH": self._path,
            **self._variables,
        }

    def _runtimes(self) -> list[psutil.Process]:
        if self._process is None or self._process.poll() is not None:
            return []
        return psutil.Process(self._process.pid).children()

    def _check(self) -> None:
        socket.create_connection(("127.0.0.1", self._port), timeout=1).close()

    def _end(self) -> str | None:
        if self._process is None or self._process.poll() is None:
            return None
        return f"the emulator ended with {self._process.returncode}: {self.log}"


def _architecture() -> str:
    return {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
