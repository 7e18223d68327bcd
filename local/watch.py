"""Looking after a running stack: bring back what crashed, leave when nobody wants us any more."""

import os
import time

from local.errors import LocalError
from local.servers.server import Server, last_line
from local.stack import Stack

INTERVAL_SECONDS = 0.25
PAUSE_SECONDS = 5.0
CRASHES_A_MINUTE = 3


def watch(stack: Stack, parent: int) -> None:
    """Return when the parent process is gone; raise when a server keeps crashing.

    A crashed server is started again after PAUSE_SECONDS: long enough to see how the product does
    without it. While a file `down/NAME` exists in the state folder, that server is kept stopped,
    to look at an outage for longer.
    """
    crashes: dict[str, list[float]] = {}
    (stack.state / "down").mkdir(exist_ok=True)
    while os.getppid() == parent:
        time.sleep(INTERVAL_SECONDS)
        for server in stack.servers:
            if (stack.state / "down" / server.name).exists():
                if server.running:
                    server.stop()
                    print(f"{server.title} is stopped", flush=True)
            elif server.crashed:
                _bring_back(server, crashes.setdefault(server.name, []))
            elif not server.running:
                server.start()
                print(f"{server.title} is back", flush=True)
    print("the parent process is gone", flush=True)


def _bring_back(server: Server, crashes: list[float]) -> None:
    now = time.monotonic()
    crashes[:] = [*(moment for moment in crashes if moment > now - 60), now]
    told = f"{server.title} ended unexpectedly: {last_line(server.log)} ({server.log})"
    if len(crashes) >= CRASHES_A_MINUTE:
        raise LocalError(f"{told}; {CRASHES_A_MINUTE} times in a minute is too often")
    print(f"{told}; it starts again in {PAUSE_SECONDS:.0f} s", flush=True)
    time.sleep(PAUSE_SECONDS)
    server.start()
    print(f"{server.title} is back", flush=True)
