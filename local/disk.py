"""Free disk space: checked before the servers start, and after an error to explain it."""

import shutil
from pathlib import Path

from local.errors import LocalError

# A first run writes about 65 MB of data and logs, and 20 MB of films.
NEEDED_BYTES = 150 * 1024 * 1024
_FULL_BYTES = 8 * 1024 * 1024
# The message of the C library, which appears in the logs of all servers.
NO_SPACE = "No space left on device"


def require_room(folder: Path) -> None:
    """Raise ``LocalError`` if the disk of ``folder`` has too little free space for a run."""
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise LocalError(
            f"the disk of {folder} is full: {free // 2**20} MB are free, a run needs "
            f"{NEEDED_BYTES // 2**20} MB; free space, or set LOCAL_STATE_DIR to another disk"
        )


def is_full(folder: Path) -> bool:
    """Return whether servers with their data in ``folder`` can no longer write."""
    return shutil.disk_usage(folder).free < _FULL_BYTES
