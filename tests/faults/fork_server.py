"""A function that is imported once and forked into any number of execution environments.

Measurements begin after Lambda's init phase, so all environments can be forked from this process.
Run as ``python -m tests.faults.fork_server FD``; frames are those of ``local.gateway.worker``, and
before each response a frame of the kind ``T`` contains its duration in seconds.
"""

import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from local.gateway.worker import Context, invoke, load, receive, send


def main() -> None:
    """Import the function, then fork for each socket that arrives, until there are no more."""
    control = socket.socket(fileno=int(sys.argv[1]))
    settings = receive(control)
    sys.path[:0] = settings["paths"]
    handler = load(settings["handler"])
    # The environments are not waited for: their sockets close when they end.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    send(control, "R", b"{}")
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not descriptors:
            return
        if os.fork() == 0:
            control.close()
            try:
                _serve(handler, settings, socket.socket(fileno=descriptors[0]))
            finally:
                os._exit(0)
        os.close(descriptors[0])


def _serve(handler: Any, settings: dict[str, Any], connection: socket.socket) -> None:
    os.environ.clear()
    os.environ.update(receive(connection))
    send(connection, "R", b"%d" % os.getpid())
    while True:
        frame = receive(connection)
        context = Context(settings, frame["id"], frame["seconds"])
        began = _seconds()
        answer = invoke(handler, frame["event"], context)
        send(connection, "T", b"%.6f" % (_seconds() - began))
        send(connection, *answer)


def _seconds() -> float:
    """Return a clock that stops while this process is runnable but has no CPU."""
    # Other processes must not count as latency. https://docs.kernel.org/scheduler/sched-stats
    statistics = Path("/proc/self/schedstat")
    starved = int(statistics.read_text().split()[1]) / 1e9 if statistics.exists() else 0.0
    return time.monotonic() - starved


if __name__ == "__main__":
    main()
