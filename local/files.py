"""Files that are replaced atomically and are readable by their owner only."""

import os
import tempfile
from pathlib import Path


def write_privately(path: Path, text: str) -> None:
    """Replace the content of `path` by `text` atomically, with mode 0600."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise
