"""Files that are complete whenever somebody reads them, and readable by nobody else."""

import os
import tempfile
from pathlib import Path


def write_privately(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step, with mode 0600."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise
