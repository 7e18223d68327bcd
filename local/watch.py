"""Supervision of a running stack: restarts crashed servers, ends with the parent process."""

import os
import time

from local.console import say
from local.errors import LocalError
from local.servers.server import Server, last_line
from local.stack import Stack

INTERVAL_SECONDS = 0.25
PAUSE_SECONDS = 5.0
CRASHES_A_MINUTE = 3


class Watch:
    """Supervises the servers of a stack.

    A crashed server is restarted after PAUSE_SECONDS, so that the product's behaviour without it
    can be observed. While a file `down/NAME` exists in the state folder, server NAME stays stopped.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._crashes: dict[str, list[float]] = {}
        self._due: dict[str, float] = {}

    def until_gone(self, parent: int) -> None:
        """Return when the parent process has ended.

        Raises `LocalError` if a server crashes CRASHES_A_MINUTE times within a minute or cannot be
        restarted.
        """
        while os.getppid() == parent:
            time.sleep(INTERVAL_SECONDS)
            for server in self._stack.servers:
                self._look_after(server)
        say("the parent process has ended")

    def _look_after(self, server: Server) -> None:
        if (self._stack.state.down / server.name).exists():
            if server.running:
                server.stop()
                say(f"{server.title} is stopped")
            self._due.pop(server.name, None)
        elif server.running:
            return
        elif server.crashed and server.name not in self._due:
            self._note_crash(server)
        elif time.monotonic() >= self._due.get(server.name, 0):
            self._due.pop(server.name, None)
            server.start()
            say(f"{server.title} is running again")

    def _note_crash(self, server: Server) -> None:
        now = time.monotonic()
        recent = [moment for moment in self._crashes.get(server.name, []) if moment > now - 60]
        self._crashes[server.name] = [*recent, now]
        told = f"{server.title} ended unexpectedly: {last_line(server.log)} ({server.log})"
        if len(recent) + 1 >= CRASHES_A_MINUTE:
            raise LocalError(f"{told}; it crashed {CRASHES_A_MINUTE} times within a minute")
        say(f"{told}; it restarts in {PAUSE_SECONDS:.0f} s")
        self._due[server.name] = now + PAUSE_SECONDS
