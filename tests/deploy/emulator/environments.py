"""Runs deployed functions with their archives and variables, without code of this checkout."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import IO, Any
from uuid import uuid4

from tests.deploy.emulator.functions import Json

_WORKER = Path(__file__).with_name("worker.py")


class Environments:
    """Keeps one execution environment for each configuration of each function.

    Args:
        folder: Unpacked archives and logs.
        variables: The variables that AWS adds to the environment of every function.
        log: Receives the group, the stream and the output.
    """

    def __init__(self, folder: Path, variables: Json, log: Callable[[str, str, str], None]) -> None:
        self._folder = folder
        self.variables = variables
        self._log = log
        self._running: dict[str, _Environment] = {}
        self._lock = Lock()

    def run(self, configuration: Json, archives: list[bytes], event: Json) -> Json:
        """Process an event; return the ``payload`` and whether the function ``failed``."""
        key = f"{configuration['FunctionArn']} {configuration['RevisionId']}"
        with self._lock:
            environment = self._running.get(key)
            if environment is None:
                *layers, code = [self._unpacked(each) for each in archives]
                opt = self._merged(layers)
                environment = _Environment(configuration, code, opt, self.variables, self._folder)
                self._running[key] = environment
            answer = environment.answer(event)
            group = environment.log_group
            self._log(group, environment.log_stream, environment.new_output())
        return answer

    def close(self) -> None:
        """End all environments."""
        for environment in self._running.values():
            environment.close()
        self._running.clear()

    def _unpacked(self, archive: bytes) -> Path:
        target = self._folder / hashlib.sha256(archive).hexdigest()[:16]
        if not target.exists():
            with zipfile.ZipFile(BytesIO(archive)) as opened:
                opened.extractall(target)
        return target

    def _merged(self, layers: list[Path]) -> Path:
        target = self._folder / "-".join(["opt", *(layer.name[:8] for layer in layers)])
        if not target.exists():
            for layer in layers:
                shutil.copytree(layer, target, copy_function=os.link, dirs_exist_ok=True)
        target.mkdir(exist_ok=True)
        return target


class _Environment:
    def __init__(
        self, configuration: Json, code: Path, opt: Path, variables: Json, folder: Path
    ) -> None:
        name, version = configuration["FunctionName"], configuration["Version"]
        logging = configuration.get("LoggingConfig", {})
        self.log_group: str = logging.get("LogGroup", f"/aws/lambda/{name}")
        self.log_stream = f"2025/01/01/{name}[{version}]{uuid4().hex}"
        given = configuration.get("Environment", {}).get("Variables", {})
        environment = {
            **variables,
            **_logging(logging),
            **{each: _below(value, opt) for each, value in given.items()},
            "_HANDLER": configuration["Handler"],
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration.get("MemorySize", 128)),
            "AWS_LAMBDA_LOG_GROUP_NAME": self.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream,
            "FUNCTION_ARN": configuration["FunctionArn"],
            "FUNCTION_TIMEOUT": str(configuration.get("Timeout", 3)),
            "PYTHONPATH": f"{code}:{opt / 'python'}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": os.environ["PATH"],
        }
        reading, writing = os.pipe()
        self._output = (folder / f"{uuid4().hex}.log").open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-u", _WORKER, str(writing)],
            cwd=code,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            pass_fds=[writing],
            text=True,
        )
        os.close(writing)
        self._answers: IO[str] = os.fdopen(reading)
        self._read = 0

    def answer(self, event: Json) -> Json:
        """Pass an event to the handler and wait for its response."""
        assert self._process.stdin is not None
        request: dict[str, Any] = {"id": str(uuid4()), "event": event}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        line = self._answers.readline()
        if not line:
            return {"failed": True, "payload": {"errorType": "Runtime.ExitError"}}
        answer: Json = json.loads(line)
        return answer

    def new_output(self) -> str:
        """Return the output since the last call."""
        self._output.seek(self._read)
        data = self._output.read()
        self._read += len(data)
        return data.decode()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for each in (self._process.stdin, self._answers, self._output):
            if each is not None:
                each.close()


def _logging(configuration: Json) -> dict[str, str]:
    if configuration.get("LogFormat") != "JSON":
        return {"AWS_LAMBDA_LOG_FORMAT": "Text"}
    level = configuration.get("ApplicationLogLevel", "INFO")
    return {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": level}


def _below(value: str, opt: Path) -> str:
    return str(opt) + value.removeprefix("/opt") if value.startswith("/opt") else value
