"""Room on the disk: asked for before the servers start, and blamed when it is gone."""

import shutil
from pathlib import Path

from local.errors import LocalError

# A first run writes about 65 MB of data and logs, and 20 MB of films.
NEEDED_BYTES = 150 * 1024 * 1024
_FULL_BYTES = 8 * 1024 * 1024
# As the C library says it, in the logs of all servers.
NO_SPACE = "No space left on device"


def require_room(folder: Path) -> None:
    """Raise ``LocalError`` when the disk of ``folder`` has too little room for a run."""
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise LocalError(
            f"the disk of {folder} is full: {free // 2**20} MB are free, a run needs "
            f"{NEEDED_BYTES // 2**20} MB; make room, or set LOCAL_STATE_DIR to a folder elsewhere"
        )


def is_full(folder: Path) -> bool:
    """Tell whether servers that keep their data in ``folder`` cannot write any more."""
    return shutil.disk_usage(folder).free < _FULL_BYTES
