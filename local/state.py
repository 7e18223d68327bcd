"""The folder of one stack: data, secrets, logs, and the lock that limits it to one stack."""

import fcntl
import json
import os
from pathlib import Path

from local.credentials import Credentials
from local.errors import LocalError
from local.files import write_privately
from local.process_group import ProcessGroup


class State:
    """The paths of a stack's files, and the lock of their folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.down = folder / "down"
        self.document = folder / "stack.json"
        self.subscriptions = folder / "subscriptions.json"
        self.environment = folder / "environment.json"
        self.demo = folder / "demo.json"
        self.group = ProcessGroup(folder / "servers.lock")
        self._lock = -1
        self.logs.mkdir(parents=True, exist_ok=True)
        self.down.mkdir(exist_ok=True)
        # git ignores the folder under any name.
        (folder / ".gitignore").write_text("*\n")
        self.credentials = Credentials.of(folder / "secrets.json")

    def acquire(self) -> None:
        """Lock the folder, and remove the leftovers of a killed run.

        Raises `LocalError` if another stack holds the lock.
        """
        lock = os.open(self.folder / "stack.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(lock, 20).decode() or "?"
            os.close(lock)
            raise LocalError(
                f"the stack of {self.folder} is already running (process {owner}): stop it first, "
                "or give this one another LOCAL_STATE_DIR and other ports"
            ) from None
        self._lock = lock
        os.truncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        self.document.unlink(missing_ok=True)
        for leftover in (*self.down.iterdir(), *self.logs.iterdir()):
            leftover.unlink()

    def release(self) -> None:
        """Unlock the folder; does nothing unless this stack holds the lock."""
        if self._lock >= 0:
            self.document.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1

    def publish(self, document: dict[str, str]) -> None:
        """Write the addresses of the running stack for other programs."""
        write_privately(self.document, json.dumps(document, indent=2) + "\n")
