"""The process that ends the stack's children after the stack itself has ended.

It leads the process group of all children and blocks on a pipe whose other end only the stack has
open. The pipe closes whenever the stack ends, even by SIGKILL. The guardian then sends SIGINT to
the group, and SIGKILL after `GRACE_SECONDS`. It uses the standard library only and imports no
package: it must start in milliseconds, and work where Linux's parent-death signal does not exist.
"""

import fcntl
import os
import signal
import sys
import time

GRACE_SECONDS = 3.0


def all_gone(lock_path: str) -> bool:
    """Return whether no process holds the lock that every child inherits."""
    descriptor = os.open(lock_path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def main() -> None:
    """Wait for the end of the stack, then end its process group."""
    pipe, lock_path = int(sys.argv[1]), sys.argv[2]
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    os.read(pipe, 1)
    os.killpg(0, signal.SIGINT)
    deadline = time.monotonic() + GRACE_SECONDS
    while not all_gone(lock_path):
        if time.monotonic() > deadline:
            os.killpg(0, signal.SIGKILL)
        time.sleep(0.02)


if __name__ == "__main__":
    main()
