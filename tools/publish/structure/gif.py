"""The end of a GIF (CompuServe GIF89a 27), which has no sizes."""

import os
from typing import BinaryIO

from tools.publish.structure.found import Outline

_TRAILER = b"\x3b"
_MOST_PADDING = 512


def read(file: BinaryIO, size: int) -> Outline:
    """Return the outline: a finished file ends with a trailer, after which zeros may follow."""
    file.seek(-min(size, _MOST_PADDING), os.SEEK_END)
    return Outline(has_end=file.read().rstrip(b"\0").endswith(_TRAILER))
