"""Execution environments of the real functions, each in a separate process."""

import asyncio
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Self

from local.gateway.model import Function
from local.gateway.template import read
from tests.support.functions import ROOT, Json

_FRAME = struct.Struct("!IB")


@dataclass(frozen=True)
class Answer:
    """A function's response, and its duration in seconds."""

    status: int
    body: Any
    headers: Mapping[str, str]
    seconds: float

    @property
    def is_success(self) -> bool:
        """Return whether the call succeeded."""
        return self.status in (200, 204)

    @property
    def outcome(self) -> str:
        """The status, with the code of a problem."""
        code = self.body.get("code") if self.status >= 400 else None
        return f"{self.status} {code}" if code else str(self.status)


class Environment:
    """One execution environment of one function."""

    def __init__(
        self, function: Function, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._function = function
        self._reader = reader
        self._writer = writer
        self._pid = 0

    async def begin(self) -> None:
        """Pass the variables to the process."""
        _, pid = await self._exchange(dict(self._function.environment))
        self._pid = int(pid)

    async def call(self, event: Json) -> Answer:
        """Make a call. Lambda's own errors become 502, as in API Gateway."""
        frame = {"id": str(uuid.uuid4()), "seconds": self._function.timeout, "event": event}
        try:
            async with asyncio.timeout(self._function.timeout):
                _, seconds = await self._exchange(frame)
                kind, payload = await self._read()
        except (TimeoutError, EOFError, ConnectionError) as error:
            # As Lambda does. A later response is ignored.
            self._writer.close()
            return Answer(502, {"code": repr(error)}, {}, self._function.timeout)
        if kind == "E":
            return Answer(502, {"code": payload["errorType"]}, {}, seconds)
        headers = {name.lower(): value for name, value in payload["headers"].items()}
        body = json.loads(payload["body"] or "null")
        return Answer(payload["statusCode"], body, headers, seconds)

    def close(self) -> None:
        """End the process."""
        self._writer.close()
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)

    async def _exchange(self, frame: Json) -> tuple[str, Any]:
        text = json.dumps(frame).encode()
        self._writer.write(_FRAME.pack(len(text), ord("V")) + text)
        return await self._read()

    async def _read(self) -> tuple[str, Any]:
        size, kind = _FRAME.unpack(await self._reader.readexactly(_FRAME.size))
        return chr(kind), json.loads(await self._reader.readexactly(size))


class Functions:
    """The functions of template.yaml, by the names of their folders; a context manager."""

    def __init__(self, environment: Mapping[str, str], log: IO[str]) -> None:
        self._log = log
        self._servers: dict[str, tuple[subprocess.Popen[bytes], socket.socket]] = {}
        self._declared = _declared(environment)

    def __enter__(self) -> Self:
        """Return the functions, none of them imported yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        for process, control in self._servers.values():
            control.close()
            process.wait()

    async def environment(self, name: str, variables: Mapping[str, str]) -> Environment:
        """Return a new environment with these ``variables``, without connections."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._server(name), [b"F"], [theirs.fileno()])
        environment = Environment(
            _declared(variables)[name], *await asyncio.open_connection(sock=ours)
        )
        await environment.begin()
        return environment

    def _server(self, name: str) -> socket.socket:
        if name not in self._servers:
            self._servers[name] = self._start(self._declared[name])
        return self._servers[name][1]

    def _start(self, function: Function) -> tuple[subprocess.Popen[bytes], socket.socket]:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.fork_server", str(theirs.fileno())],
                cwd=ROOT,
                env=dict(function.environment),
                stdout=self._log,
                stderr=self._log,
                pass_fds=[theirs.fileno()],
            )
        settings = {
            "name": function.name,
            "arn": function.arn,
            "memory": function.memory,
            "handler": function.handler,
            "paths": [str(path) for path in function.directories],
        }
        text = json.dumps(settings).encode()
        ours.sendall(_FRAME.pack(len(text), ord("I")) + text)
        ready = ours.recv(_FRAME.size + 2)
        assert ready, f"{function.name} cannot be imported"
        return process, ours


def _declared(environment: Mapping[str, str]) -> dict[str, Function]:
    declared = read(ROOT / "template.yaml", environment).functions.values()
    return {function.directories[0].name: function for function in declared}
