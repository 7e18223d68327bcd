"""The child processes of one stack, which end with it, however it ends.

Every child joins the process group of a guardian (see guardian.py) and inherits a locked file. The
lock is released when the stack and all of its children have ended, so that the next run can wait
for it.
"""

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from local.errors import LocalError

FORMER_RUN_SECONDS = 8.0
_HERE = Path(__file__).parent
_PYTHON = [sys.executable, "-I", "-S"]


class ProcessGroup:
    """Starts child processes that end with this process."""

    def __init__(self, lock_path: Path) -> None:
        self._lock_path = lock_path
        self._lock = -1
        self._pipe = -1
        self._guardian: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Wait until the children of a former run have ended, then start the guardian.

        Raises `LocalError` if they have not ended after `FORMER_RUN_SECONDS`.
        """
        self._lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + FORMER_RUN_SECONDS
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    self.close()
                    raise LocalError(
                        "servers of a former run are still running: "
                        f"`fuser {self._lock_path}` lists them"
                    ) from None
                time.sleep(0.05)
        read_end, self._pipe = os.pipe()
        self._guardian = subprocess.Popen(
            [*_PYTHON, str(_HERE / "guardian.py"), str(read_end), str(self._lock_path)],
            stdin=subprocess.DEVNULL,
            pass_fds=[read_end],
            process_group=0,
            cwd="/",
        )
        os.close(read_end)

    def spawn(
        self,
        command: Sequence[str],
        *,
        log: IO[bytes],
        cwd: Path | str = "/",
        environment: Mapping[str, str] | None = None,
        user: int = 0,
        inherited: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start `command` as `user` (0: the current one), with its output in `log`.

        Raises `LocalError` if the group is not open.
        """
        if self._guardian is None:
            raise LocalError("the process group is closed")
        # Linux sends the parent-death signal when the forking *thread* ends, so children of other
        # threads do not request it.
        in_main_thread = threading.current_thread() is threading.main_thread()
        parent = os.getpid() if in_main_thread else 0
        return subprocess.Popen(
            [*_PYTHON, str(_HERE / "child.py"), str(parent), str(user), *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=environment,
            pass_fds=[self._lock, *inherited],
            process_group=self._guardian.pid,
        )

    def close(self) -> None:
        """Let the guardian end the remaining children, and wait for it."""
        for descriptor in (self._lock, self._pipe):
            if descriptor >= 0:
                os.close(descriptor)
        self._lock = self._pipe = -1
        if self._guardian is not None:
            self._guardian.wait()
            self._guardian = None
