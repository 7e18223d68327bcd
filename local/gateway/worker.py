"""The process of one execution environment: imports a handler and serves one event at a time.

It is started by path, isolated from the gateway's packages, and uses the standard library only,
because each import delays every start of a function. A frame on the socket is four bytes of length,
one byte of kind, then JSON. Kinds: ``I`` initialize and ``V`` event from the gateway; ``R`` ready,
``D`` done and ``E`` error from the worker.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import json
import os
import select
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Iterable
from typing import Any

_PR_SET_PDEATHSIG = 1
_SIGKILL = 9
_MAX_RESULT_BYTES = 6 * 1024 * 1024 + 100
_HEADER = struct.Struct("!IB")


class _ExactLoader(importlib.machinery.SourceFileLoader):
    """Accepts byte code only if it matches the source's modification time in nanoseconds.

    Python stamps byte code with the source's size and its modification time in whole seconds, so
    the byte code of one edit would match a second edit of the same length within that second.
    """

    def path_stats(self, path: str) -> dict[str, Any]:
        """Return a stamp derived from the time in nanoseconds instead of the time in seconds."""
        status = os.stat(path)  # noqa: PTH116 - pathlib is not loaded here
        stamp = zlib.crc32(status.st_mtime_ns.to_bytes(8, "big", signed=True))
        return {"mtime": stamp, "size": status.st_size}


def _match_byte_code_to_the_nanosecond(directories: Iterable[str]) -> None:
    """Use the exact loader for all modules below these directories."""
    roots = tuple(os.path.join(directory, "") for directory in directories)  # noqa: PTH118
    finder = importlib.machinery.FileFinder.path_hook(
        (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
        (_ExactLoader, importlib.machinery.SOURCE_SUFFIXES),
    )

    def hook(path: str) -> Any:
        if not os.path.join(path, "").startswith(roots):  # noqa: PTH118
            raise ImportError(path)
        return finder(path)

    sys.path_hooks.insert(0, hook)


class Context:
    """The second argument of a handler, like that of Lambda's Python runtime."""

    def __init__(self, settings: dict[str, Any], request_id: str, seconds: float) -> None:
        self.aws_request_id = request_id
        self.function_name: str = settings["name"]
        self.function_version = "$LATEST"
        self.invoked_function_arn: str = settings["arn"]
        self.memory_limit_in_mb = str(settings["memory"])
        self.log_group_name = f"/aws/lambda/{self.function_name}"
        self.log_stream_name = "local"
        self.identity = None
        self.client_context = None
        self.tenant_id = None
        self._deadline = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left until the environment is killed."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, text: object) -> None:
        """Write to the function's log."""
        sys.stdout.write(str(text))


def main() -> None:
    """Serve events from the socket whose file descriptor is the only argument, until it closes."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    _die_with_gateway(connection)
    settings = receive(connection)
    _match_byte_code_to_the_nanosecond(settings["paths"])
    sys.path[:0] = settings["paths"]
    try:
        handler = load(settings["handler"])
    except Exception as problem:  # noqa: BLE001 - reported as Lambda does
        send(connection, "E", _error(problem, "Runtime.ImportModuleError"))
        raise SystemExit(1) from None
    _stretch_time_limits(os.environ.get("LOCAL_TIME_FACTOR"))
    send(connection, "R", b"{}")
    while True:
        frame = receive(connection)
        context = Context(settings, frame["id"], frame["seconds"])
        send(connection, *invoke(handler, frame["event"], context))


def _stretch_time_limits(factor: str | None) -> None:
    """Multiply the time limits of the shared layer by ``factor``, if the function has the layer."""
    if factor:
        # Imported here, because without the variable the handler alone decides what is loaded.
        with contextlib.suppress(ModuleNotFoundError):
            from streaming.resilience.deadline import stretch

            stretch(float(factor))


def load(name: str) -> Any:
    """Return the handler function ``module.function``; the module may have a folder path."""
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module.replace("/", ".")), function)


def invoke(handler: Any, event: Any, context: Context) -> tuple[str, bytes]:
    """Return the kind and payload of the reply to one event."""
    try:
        result = handler(event, context)
    except Exception as problem:  # noqa: BLE001 - reported as Lambda does
        return "E", _error(problem)
    try:
        payload = json.dumps(result, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as problem:
        return "E", _error(problem, "Runtime.MarshalError")
    if len(payload) > _MAX_RESULT_BYTES:
        too_large = ValueError(f"Response payload size exceeded {_MAX_RESULT_BYTES} bytes")
        return "E", _error(too_large, "Function.ResponseSizeTooLarge")
    return "D", payload


def _error(problem: Exception, kind: str | None = None) -> bytes:
    """Log an error and return it in Lambda's format."""
    import traceback

    name = kind or type(problem).__name__
    frames = traceback.format_list(traceback.extract_tb(problem.__traceback__)[1:])
    print(f"[ERROR] {name}: {problem}\n{''.join(frames)}".rstrip(), file=sys.stderr, flush=True)
    answer = {"errorMessage": str(problem), "errorType": name, "stackTrace": frames}
    return json.dumps(answer).encode()


def receive(connection: socket.socket) -> Any:
    """Return the next frame. Raises `SystemExit` if the gateway has closed its side."""
    size, _ = _HEADER.unpack(_read(connection, _HEADER.size))
    return json.loads(_read(connection, size))


def _read(connection: socket.socket, size: int) -> bytes:
    """Return exactly ``size`` bytes. Raises `SystemExit` at the end of the stream."""
    chunks = bytearray()
    while len(chunks) < size:
        try:
            chunk = connection.recv(size - len(chunks))
        except ConnectionError:
            raise SystemExit(0) from None
        if not chunk:
            raise SystemExit(0)
        chunks += chunk
    return bytes(chunks)


def send(connection: socket.socket, kind: str, payload: bytes) -> None:
    """Send one frame. Raises `SystemExit` if the gateway has closed its side."""
    sys.stdout.flush()
    try:
        connection.sendall(_HEADER.pack(len(payload), ord(kind)) + payload)
    except ConnectionError:
        raise SystemExit(0) from None


def _die_with_gateway(connection: socket.socket) -> None:
    """End this process when the gateway ends, even during an event."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    hung_up = select.poll()
    hung_up.register(connection, getattr(select, "POLLRDHUP", select.POLLHUP))

    def wait() -> None:
        # A socket that is already closed reports at once, so an exit of the gateway between the
        # start of this process and the line above is detected as well.
        hung_up.poll()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main()
