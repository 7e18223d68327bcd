"""The gateway's side of one execution environment: a worker process and its socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.gateway.log import log
from local.gateway.model import Function
from local.gateway.sources import Fingerprint

_WORKER = Path(__file__).with_name("worker.py")
_HEADER = struct.Struct("!IB")
# Lambda allows 10 s; a laptop that starts the whole stack in parallel needs more.
_INIT_SECONDS = 60.0
_CLOSE_SECONDS = 1.0


@dataclass(frozen=True)
class Result:
    """The result of one invocation: the function's JSON, or Lambda's description of an error."""

    payload: bytes
    failed: bool = False


def failure(kind: str, text: str) -> Result:
    """Return the result of an invocation that failed outside the function."""
    return Result(json.dumps({"errorType": kind, "errorMessage": text}).encode(), failed=True)


class WorkerProcess:
    """One worker: `start` it, `invoke` it any number of times, `close` it.

    After a failed start, a timeout or an exit ``alive`` is False and the process has ended.
    """

    def __init__(self, function: Function, sources: Fingerprint) -> None:
        self.sources = sources
        self._open = False
        self._function = function
        self._process: asyncio.subprocess.Process
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._output: asyncio.Task[None]

    @property
    def alive(self) -> bool:
        """Whether the process can accept an event."""
        return self._open and self._process.returncode is None

    async def start(self) -> Result | None:
        """Start the process and import the handler; return the error if that fails."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-u", str(_WORKER), str(theirs.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self._function.directories[0],
                env=dict(self._function.environment),
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C reaches the gateway only, which ends its workers
            )
        self._output = asyncio.create_task(self._forward_output())
        self._reader, self._writer = await asyncio.open_connection(sock=ours)
        self._open = True
        settings = {
            "name": self._function.name,
            "arn": self._function.arn,
            "memory": self._function.memory,
            "handler": self._function.handler,
            "paths": [str(path) for path in self._function.directories],
        }
        try:
            kind, payload = await self._exchange("I", settings, _INIT_SECONDS)
        except TimeoutError:
            return failure("Sandbox.Timedout", f"Init timed out after {_INIT_SECONDS:.0f} seconds")
        except (EOFError, ConnectionError):
            return failure("Runtime.ExitError", "the process exited during initialization")
        if kind == "E":
            await self.close()
            return Result(payload, failed=True)
        return None

    async def invoke(self, event: Any, request_id: str) -> Result:
        """Return the handler's result for one event; at most one invocation at a time."""
        seconds = self._function.timeout
        frame = {"id": request_id, "seconds": seconds, "event": event}
        try:
            kind, payload = await self._exchange("V", frame, seconds)
        except TimeoutError:
            text = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
            log(f"[{self._function.name}] {text}")
            return failure("Sandbox.Timedout", text)
        except (EOFError, ConnectionError):
            status = await self._process.wait()
            text = f"RequestId: {request_id} Error: Runtime exited with status {status}"
            log(f"[{self._function.name}] {text}")
            return failure("Runtime.ExitError", text)
        return Result(payload, failed=kind == "E")

    async def close(self) -> None:
        """Close the socket, on which the process exits; kill it after `_CLOSE_SECONDS`."""
        self._open = False
        self._writer.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _CLOSE_SECONDS)
        await self._kill()

    async def _exchange(self, kind: str, frame: Any, seconds: float) -> tuple[str, bytes]:
        """Send one frame and return the reply's kind and payload; on failure kill the worker."""
        payload = json.dumps(frame).encode()
        try:
            async with asyncio.timeout(seconds):
                self._writer.write(_HEADER.pack(len(payload), ord(kind)) + payload)
                await self._writer.drain()
                size, answer = _HEADER.unpack(await self._reader.readexactly(_HEADER.size))
                return chr(answer), await self._reader.readexactly(size)
        except BaseException:
            self._writer.close()
            await self._kill()
            raise

    async def _kill(self) -> None:
        """Kill the process and its children, and wait until its output is read."""
        self._open = False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._output, _CLOSE_SECONDS)

    async def _forward_output(self) -> None:
        """Copy the function's output to the gateway's log, line by line."""
        output = self._process.stdout
        rest = b""
        while output is not None and (chunk := await output.read(65536)):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._log(line)
        if rest:
            self._log(rest)

    def _log(self, line: bytes) -> None:
        log(f"[{self._function.name}] {line.decode('utf-8', 'replace')}")
