"""Execution environments as processes: reused while they run, replaced after they are killed."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from local.servers.python_service import LAYER, ROOT

Json = dict[str, Any]

# Lambda's own limit for these functions is 20 s.
_LONGEST_SECONDS = 30.0
_EVERY = 3


class Died(Exception):
    """The environment was killed before it responded."""


class Environment:
    """One process that handles one event at a time."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self._connection = connection
        self._stream = connection.makefile("rw")

    def invoke(self, function: str, event: Json, die_at_step: int | None = None) -> Json:
        """Return ``result`` or ``error``, and ``steps``. Raises ``Died``."""
        order = {"function": function, "event": event, "die_at_step": die_at_step}
        try:
            self._stream.write(f"{json.dumps(order)}\n")
            self._stream.flush()
            line = self._stream.readline()
        except ConnectionError as error:
            raise Died(f"process {self.pid}") from error
        if not line:
            raise Died(f"process {self.pid}")
        answer: Json = json.loads(line)
        return answer

    def close(self) -> None:
        """Let the process end."""
        # Unread data of a killed process cannot be flushed.
        with suppress(ConnectionError):
            self._stream.close()
        self._connection.close()


class Environments:
    """A pool, as in Lambda: the environment used last is reused first.

    ``layer`` is the folder of the shared package, ``variables`` are the functions' variables,
    ``log`` is their log file. Every third environment has the variables ``of_some`` in addition.
    Safe to use from several threads.
    """

    def __init__(
        self,
        variables: Mapping[str, str],
        log: Path,
        layer: Path = LAYER,
        of_some: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._variables = variables
        self._of_some = dict(of_some)
        self._numbers = count(1)
        self.log = log
        self._layer = layer
        self._lock = threading.Lock()
        self._idle: list[Environment] = []
        self._busy: list[Environment] = []

    def __enter__(self) -> Self:
        """Start the process that forks the others."""
        self._control, theirs = socket.socketpair()
        paths = os.pathsep.join([str(self._layer), str(ROOT)])
        # Most environments are killed, and then leave no coverage.
        own = {name: os.environ[name] for name in os.environ if not name.startswith("COVERAGE_")}
        with theirs, self.log.open("ab") as log:
            self._zygote = subprocess.Popen(
                [sys.executable, "-m", "tests.histories.zygote", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={**own, **self._variables, "PYTHONPATH": paths},
                pass_fds=[theirs.fileno()],
            )
        if self._reply() != b"ready\n":
            raise RuntimeError(f"the handlers cannot be imported: see {self.log}")
        return self

    def __exit__(self, *_: object) -> None:
        """End all processes."""
        self._control.close()
        self._zygote.wait()
        for environment in self._idle + self._busy:
            environment.close()

    def invoke(self, function: str, event: Json, die_at_step: int | None = None) -> Json:
        """Process ``event`` in an idle or a new environment. Raises ``Died``."""
        with self._lock:
            environment = self._idle.pop() if self._idle else self._fork()
            self._busy.append(environment)
        try:
            answer = environment.invoke(function, event, die_at_step)
        except BaseException:
            with self._lock:
                self._busy.remove(environment)
            environment.close()
            raise
        with self._lock:
            self._busy.remove(environment)
            self._idle.append(environment)
        return answer

    def kill(self, choice: float) -> bool:
        """Kill one of the environments, a busy one if any; ``choice``, 0 to 1, selects it.

        Returns whether there was one.
        """
        with self._lock:
            living = self._busy or self._idle
            if not living:
                return False
            victim = living[int(choice * len(living))]
            self._tell({"do": "kill", "pid": victim.pid})
            if victim in self._idle:
                self._idle.remove(victim)
                victim.close()
        return True

    def forget(self) -> None:
        """Use new environments from now on, as after a deployment."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def _fork(self) -> Environment:
        ours, theirs = socket.socketpair()
        ours.settimeout(_LONGEST_SECONDS)
        with theirs:
            is_special = next(self._numbers) % _EVERY == 0
            order = {"do": "fork", "variables": self._of_some if is_special else {}}
            return Environment(self._tell(order, theirs), ours)

    def _tell(self, order: Json, *attached: socket.socket) -> int:
        descriptors = [each.fileno() for each in attached]
        socket.send_fds(self._control, [json.dumps(order).encode()], descriptors)
        return int(self._reply())

    def _reply(self) -> bytes:
        reply = b""
        while not reply.endswith(b"\n"):
            chunk = self._control.recv(1024)
            if not chunk:
                break
            reply += chunk
        return reply
