"""Command line of the gateway, ``python -m local.gateway``: options, socket, signals."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from local.gateway import template
from local.gateway.app import Gateway
from local.gateway.intrinsics import text_of
from local.gateway.log import log

_HOST = "127.0.0.1"
_PARENT_SECONDS = 0.5
_KEEP_ALIVE_SECONDS = 65
_GRACE_SECONDS = 2


class _Server(uvicorn.Server):
    """A server that shuts down on signals, and when its parent process has ended."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals here: uvicorn raises them again, so Ctrl-C would print a traceback."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end)
        watch = asyncio.ensure_future(self._watch_parent(os.getppid()))
        yield
        watch.cancel()

    def _end(self) -> None:
        """Shut down gracefully; at once if called a second time."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def _watch_parent(self, parent: int) -> None:
        while os.getppid() == parent:  # noqa: ASYNC110 - no event reports a parent's exit
            await asyncio.sleep(_PARENT_SECONDS)
        self.should_exit = True


def main(arguments: list[str] | None = None) -> int:
    """Run the gateway until a signal or the exit of its parent; return the exit status."""
    options = _parse(arguments)
    path: Path = options.template
    try:
        service = template.read(path, _environment(options.environment))
        listener = _listen(options.port)
    except (template.TemplateError, _StartError) as problem:
        log(f"gateway: {problem}")
        return 1
    gateway = Gateway(service, path.parent, options.demo)
    config = uvicorn.Config(
        gateway,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    log(
        f"gateway: http://{_HOST}:{listener.getsockname()[1]} serves {len(service.routes)} routes; "
        f"edited functions and layers take effect at once, {path.name} after a restart"
    )
    with listener:
        _Server(config).run(sockets=[listener])
    return 0


class _StartError(Exception):
    """The gateway cannot start; the message says why in one line."""


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.gateway",
        description="Serves a SAM template's HTTP API on 127.0.0.1 until the process that started "
        "it ends.",
    )
    parser.add_argument("--port", type=int, required=True, help="0 selects a free port")
    parser.add_argument("--template", type=Path, required=True, help="the SAM template")
    parser.add_argument(
        "--environment", type=Path, required=True, help="JSON object of environment variables"
    )
    parser.add_argument("--demo", type=Path, required=True, help="the response of GET /local/demo")
    return parser.parse_args(arguments)


def _environment(path: Path) -> dict[str, str]:
    """Return the variables of the environment file."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise _StartError(f"{path}: {problem}") from None
    if not isinstance(given, dict):
        raise _StartError(f"{path}: is not a JSON object")
    return {name: text_of(value) for name, value in given.items()}


def _listen(port: int) -> socket.socket:
    """Return a listening socket, so that clients can connect after the first line of the log."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen()
    except OSError as problem:
        listener.close()
        raise _StartError(f"cannot listen on {_HOST}:{port}: {problem.strerror}") from None
    return listener


if __name__ == "__main__":
    sys.exit(main())
