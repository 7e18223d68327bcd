"""Records the event of each run."""

import json
import os
from pathlib import Path
from typing import Any


def handler(event: dict[str, Any], context: object) -> None:
    """Append the event to the file that the environment names."""
    if os.environ["TICK_FILE"]:
        with Path(os.environ["TICK_FILE"]).open("a") as file:
            file.write(json.dumps(event) + "\n")
