"""The parent of execution environments: imports the handlers, does not connect, only forks.

Each child acts as one Lambda execution environment: real handlers, its own connections, one event
at a time, ended by SIGKILL. A fork takes a few milliseconds, imports would take a second. Started
with the number of a socket, on which it receives commands:

- ``{"do": "fork", "variables": {…}}``, with a socket attached, returns the child's process id;
- ``{"do": "kill", "pid": …}`` kills a child, if it still runs.

A child reads one JSON object per line from its socket: ``function`` and ``event``, optionally
``die_at_step``; it returns ``result`` or ``error``, and the number of ``steps``.
"""

import json
import os
import signal
import socket
import sys
import traceback
from typing import Any

import boto3

import streaming.access.user_service  # noqa: F401 - loaded late by the functions
from tests.histories.outward_steps import OutwardSteps
from tests.support import functions

HANDLERS = ("start", "progress", "get", "stop", "housekeeping", "analytics")


def main() -> None:
    """Fork and kill until the socket closes, then end all children."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in HANDLERS:
        functions.load(name)
    # S3's descriptions stay loaded; loading them takes most of the time of a first publication.
    boto3.client("s3", region_name="eu-central-1")
    children: set[int] = set()
    control.sendall(b"ready\n")
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 4096, 1)
        if not message:
            break
        order = json.loads(message)
        children -= {pid for pid in children if os.waitpid(pid, os.WNOHANG) != (0, 0)}
        if order["do"] == "fork":
            pid = os.fork()
            if pid == 0:
                control.close()
                os.environ.update(order["variables"])
                _serve(socket.socket(fileno=descriptors[0]))
                os._exit(0)
            os.close(descriptors[0])
            children.add(pid)
            control.sendall(b"%d\n" % pid)
        else:
            children -= _killed({order["pid"]} & children)
            control.sendall(b"0\n")
    _killed(children)


def _killed(children: set[int]) -> set[int]:
    """Kill ``children``, which were not waited for, and return them."""
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return children


def _serve(connection: socket.socket) -> None:
    """Process one event after the other until the other side closes."""
    steps = OutwardSteps()
    with connection, connection.makefile("rw") as stream:
        for line in stream:
            order = json.loads(line)
            steps.begin(order.get("die_at_step"))
            answer: dict[str, Any]
            try:
                answer = {"result": functions.invoke(order["function"], order["event"])}
            except Exception:  # noqa: BLE001 - Lambda reports what a handler raises
                answer = {"error": traceback.format_exc()}
            answer["steps"] = steps.end()
            stream.write(f"{json.dumps(answer)}\n")
            stream.flush()


if __name__ == "__main__":
    main()
