"""The parent of execution environments: has imported the handlers, connects nowhere, only forks.

Each child plays one Lambda execution environment: real handlers, connections of its own, one event
at a time, gone at SIGKILL. A fork costs a few milliseconds, imports would cost a second. Started
with the number of a socket, on which it is told what to do:

- ``{"do": "fork"}``, with a socket attached, answers the child's process id;
- ``{"do": "kill", "pid": …}`` kills a child, if it still lives.

A child reads one JSON object a line from its socket: ``function`` and ``event``, optionally
``die_at_step``; it answers ``result`` or ``error``, and how many ``steps`` it took.
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

HANDLERS = ("start", "progress", "get", "stop", "housekeeping")


def main() -> None:
    """Fork and kill until the socket closes, then leave no child behind."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in HANDLERS:
        functions.load(name)
    # Its descriptions of S3 stay loaded; they are most of what a first publication takes.
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
    """Kill ``children``, which nobody else has waited for, and return them."""
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return children


def _serve(connection: socket.socket) -> None:
    """Handle one event after the other until the other side closes."""
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
